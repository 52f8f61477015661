"""Receptor modelling: sources told from what their mixture is made of (positive matrix factorisation)."""

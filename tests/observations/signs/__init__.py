"""Tests of the signs of falsification."""

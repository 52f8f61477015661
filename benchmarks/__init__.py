"""Scripts that print tables with ratios; `make bench` runs them all."""

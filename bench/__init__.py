"""Measurements: programs, not tests. Each prints a table of ratios."""

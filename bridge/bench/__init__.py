"""Measurements; their results are in RESULTS.md."""

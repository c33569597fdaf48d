"""Measurements, and their results in RESULTS.md."""

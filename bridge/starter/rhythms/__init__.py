"""Rhythms that the starter learns from: patterns, what plays them, and their names."""

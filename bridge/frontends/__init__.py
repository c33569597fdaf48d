"""Doors that asks come in by."""

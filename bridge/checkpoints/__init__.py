"""Checkpoints: find them on this disk, fetch them from the hub."""

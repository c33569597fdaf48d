"""Checkpoints: found on this disk, fetched from the hub."""

"""Synthesised sounds: what the starter learns from."""

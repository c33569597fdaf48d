"""Clipbridge: text prompts as a playable instrument."""

__version__ = "0.1.0"

"""Presets: named prompt defaults in TOML files."""

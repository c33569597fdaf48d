"""Kits: folders of one-shots with mappings for samplers."""

"""Stable Audio 3: text to sound, and versions, continuations and fillings of a sound, at 44.1 kHz in stereo."""

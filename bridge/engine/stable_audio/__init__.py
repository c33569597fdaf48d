"""Stable Audio Open 1.0: text to sound at 44.1 kHz in stereo, for at most 47 seconds."""

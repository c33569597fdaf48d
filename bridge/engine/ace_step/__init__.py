"""ACE-Step 1.5: music from words, lyrics, tempo and key, at 48 kHz in stereo."""

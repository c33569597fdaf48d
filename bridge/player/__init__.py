"""The player process: mixes voices and plays them on the audio device."""

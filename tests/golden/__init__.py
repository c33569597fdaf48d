"""The golden transcript: the answers of every OSC address, recorded once and compared with the current code."""

"""The golden transcript: what every OSC address answers, recorded once and replayed against the code as it is now."""

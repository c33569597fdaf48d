"""What sounds: pads, the stream, voices."""

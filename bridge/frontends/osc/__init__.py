"""OSC over UDP."""

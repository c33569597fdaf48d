"""Ways for asks to come in: OSC, the inbox, MIDI; and Ableton Link."""

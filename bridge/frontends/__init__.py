"""Ways for asks to come in: OSC, the inbox, MIDI, the touch page; and what other programs find: OSCQuery, Ableton Link."""

"""What programs on the network find by themselves (OSCQuery), and pads on a tablet (the touch page)."""

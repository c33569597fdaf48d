"""The panel: a small window that makes clips, plays them, and from which they are dragged into a DAW. Speaks only OSC."""

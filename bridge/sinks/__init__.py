"""Where clips go."""

"""The ways to use a source: vary it, continue it, fill a gap in it."""

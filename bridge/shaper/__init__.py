"""The shaper process: samples in, finished files out."""

"""Audio processing: samples in, samples out."""

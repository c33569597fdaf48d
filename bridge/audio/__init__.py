"""Samples in, samples out."""

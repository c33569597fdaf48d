"""Adapting the network of a small checkpoint to sounds of one's own, as a LoRA with a word of its own."""

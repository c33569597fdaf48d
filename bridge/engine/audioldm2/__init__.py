"""AudioLDM 2: the engine for one family of checkpoints."""

"""MusicGen: a language model over EnCodec's tokens, as published, by transformers."""

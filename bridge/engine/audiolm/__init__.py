"""AudioLM: language models over the tokens of a codec. They continue a clip, vary it, fill it, and go on without end."""

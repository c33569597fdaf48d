"""The engine process: turns prompts into samples."""

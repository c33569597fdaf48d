"""The starter: a small checkpoint trained on synthesised sounds, and the code that makes it."""

"""The inbox: lists of prompts dropped into a folder."""

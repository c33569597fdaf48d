"""The words of the product as data: prompts, jobs, clips, kits, recipes. Imports nothing but errors."""

"""The sample folder and the files in it."""

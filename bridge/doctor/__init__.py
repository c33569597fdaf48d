"""`clipbridge doctor`: checks of the whole setup."""

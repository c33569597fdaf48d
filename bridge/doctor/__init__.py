"""`clipbridge doctor`: checks of the whole set-up."""

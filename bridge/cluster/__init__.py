"""`clipbridge serve`: gives the engine of this machine to fronts on other machines."""

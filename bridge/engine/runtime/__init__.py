"""How networks run: converted, by graphs, with how many threads, in how much memory."""

"""How networks run: traces, graphs, threads, memory."""

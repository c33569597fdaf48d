"""An engine on another machine, which the engine process uses instead of torch: a client of `clipbridge serve`."""

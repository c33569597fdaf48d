"""Where the daemon listens. `clipbridge run` prints its port when it starts."""

HOST = "127.0.0.1"
PORT = 57200

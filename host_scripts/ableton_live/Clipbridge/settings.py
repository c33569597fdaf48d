"""Where the daemon listens. It says its port when it starts: `clipbridge run`."""

HOST = "127.0.0.1"
PORT = 57200

"""Keys for other processes: their environment, the loopback endpoint, and running a command in one's place."""

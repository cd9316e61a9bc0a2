"""Live pages: sockets, fragments, and the hub that sends them to all viewers."""

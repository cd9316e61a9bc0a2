"""Live pages: sockets, fragments and their fan-out."""

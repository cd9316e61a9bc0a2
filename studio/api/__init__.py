"""The HTTP API of scripts: /api/anime/."""

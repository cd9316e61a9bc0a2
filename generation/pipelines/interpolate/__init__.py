"""In-between frames."""

"""Interpolation: in-between frames for clips."""

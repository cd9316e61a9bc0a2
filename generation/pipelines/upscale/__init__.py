"""Upscaling of pictures and frames."""

"""Enlarged pictures and frames."""

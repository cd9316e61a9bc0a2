"""Learned speeds of models on devices."""

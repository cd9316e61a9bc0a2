"""Pipelines: diffusers' models under our own loop over the steps. No Django in this package."""

"""Pipelines: diffusers' models under our own denoising loop. This package does not use Django."""

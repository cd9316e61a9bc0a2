"""The loop over the denoising steps."""

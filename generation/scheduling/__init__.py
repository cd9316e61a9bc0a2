"""Decides which job runs next, on which device, and when."""

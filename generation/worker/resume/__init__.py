"""Saved work of interrupted attempts, from which the next attempt resumes."""

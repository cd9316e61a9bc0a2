"""Live events from whoever changes a job to whoever watches it."""

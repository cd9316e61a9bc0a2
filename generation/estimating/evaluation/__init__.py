"""Whether the estimates were right."""

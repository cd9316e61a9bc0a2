"""The lifecycle of a job, from submission to its end."""

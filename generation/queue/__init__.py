"""The life of a job, from the submit to its end."""

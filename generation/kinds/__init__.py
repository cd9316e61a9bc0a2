"""The kinds of job, one package each; see `generation.kind`."""

"""Pages. Each view finds its object through `access` before it does anything else."""

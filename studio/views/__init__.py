"""Pages. Each view first gets its object through `access`, which checks permissions."""

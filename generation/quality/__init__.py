"""How good finished frames are, measured from the frames alone."""

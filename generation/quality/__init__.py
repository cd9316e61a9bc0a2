"""Quality measures of finished frames, computed from the frames alone."""

"""The production: projects, shots, characters, styles, takes, reviews and their pages."""

"""What a render will take."""

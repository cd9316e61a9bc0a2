"""The model families that can be rendered."""

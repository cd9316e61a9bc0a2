"""The models that a studio owns: registered, read and costed."""

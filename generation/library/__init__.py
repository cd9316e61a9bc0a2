"""The models that a studio owns: their registration, files and costs."""

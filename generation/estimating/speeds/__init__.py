"""What was learned about the speed of models on devices."""

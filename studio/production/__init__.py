"""What a studio does with takes, devices and files."""

"""What an interrupted attempt leaves for the next one."""

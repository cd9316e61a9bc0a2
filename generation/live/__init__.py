"""Live events: how changes of jobs reach the processes and browsers that show them."""

"""How jobs, times and figures are worded and drawn."""

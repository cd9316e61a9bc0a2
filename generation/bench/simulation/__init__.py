"""A day of the queue in simulated time, for benchmarks only."""

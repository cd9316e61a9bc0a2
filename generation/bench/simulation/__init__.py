"""Simulation of the queue, for benchmarks only."""

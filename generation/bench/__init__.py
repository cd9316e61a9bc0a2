"""Benchmarks, one module each, run by `manage.py bench NAME`."""

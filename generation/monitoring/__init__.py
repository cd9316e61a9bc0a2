"""Metrics of devices, hosts, jobs and attempts."""

"""Figures about devices, hosts and attempts."""

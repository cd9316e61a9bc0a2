"""The process that serves one device."""

"""Finished files: encoding, provenance, thumbnails, storage."""

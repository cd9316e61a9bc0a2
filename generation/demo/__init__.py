"""The demo model: its pictures and words, its training, and the reader that checks it."""

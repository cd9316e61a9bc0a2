"""Evaluation of estimates against actual run times."""

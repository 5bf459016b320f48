"""Deliberately wrong implementations, one fault each, and what the suite must say about them."""

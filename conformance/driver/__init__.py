"""Plays the other side on the wire and records what happens."""

"""The parts of a channel that are easy to get wrong; copy what you like. Knows `spec` and libraries,
nothing of a shop."""

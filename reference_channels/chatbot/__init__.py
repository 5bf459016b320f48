"""A chat bot that sells virtual goods over VGCP: the second reference channel, of another nature than the first."""

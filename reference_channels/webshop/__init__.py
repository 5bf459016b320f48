"""A small web shop that sells virtual goods over VGCP: the reference channel."""

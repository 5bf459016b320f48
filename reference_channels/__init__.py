"""Complete channels that only know the standard."""

"""The same hot sale on somebody else's shop engine and on the gateway."""

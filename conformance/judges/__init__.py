"""Pure functions from the transcript to outcomes, one module per role and noun. They do no I/O."""

"""Small stories that are driven and recorded, one module per role and noun. They judge nothing."""

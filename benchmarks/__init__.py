"""What the performance page quotes, runnable by anyone."""

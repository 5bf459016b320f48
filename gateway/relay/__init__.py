"""After the commit: numbers the feeds, sends the events, ends what is due."""

"""The certification suite: driver, transcript, judges and reports."""

"""The books in a database: tables, group commit, reads, and the vault. Nothing here knows HTTP."""

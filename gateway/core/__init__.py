"""The rules: values, transition tables, one function per operation. No HTTP, no SQL, no clock of its own."""

"""Data files as records: what each is, is decided by its content."""

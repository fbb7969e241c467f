"""Lines of text as records: formats, their parts as columns, stack traces joined to what they belong to."""

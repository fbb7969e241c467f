"""What each column of a table is used for: what the user says, and what its type and values suggest."""

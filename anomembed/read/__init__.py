"""What is in the table? Sources are opened read-only; every column gets a role, with the reason for it."""

"""Ways to look at a record or a sequence, one file each."""

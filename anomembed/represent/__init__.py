"""What does a record look like as numbers? Tokens, counts, embeddings and views; no database, no detectors."""

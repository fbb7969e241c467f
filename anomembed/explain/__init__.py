"""Why was a record flagged? The share of every column in its score, and a sentence."""

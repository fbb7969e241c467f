"""Fit a `Model` to a table: read the reference, make tokens, learn embeddings, fit and calibrate views."""

"""Measures of embeddings, without labels."""

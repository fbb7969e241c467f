"""How good are the embeddings and the scores? The only package in which labels meet scores."""

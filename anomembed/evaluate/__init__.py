"""How good are embeddings and scores? Labels meet scores only here."""

"""From a table to a `Model`: the reference is read, its values become tokens, embeddings and views are learnt."""

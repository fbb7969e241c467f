"""How good are embeddings? Nothing here looks at labels, nor at what was learnt from where others were held out."""

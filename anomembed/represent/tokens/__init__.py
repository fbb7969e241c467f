"""Values of columns as tokens: the vocabulary, and the templates of messages."""

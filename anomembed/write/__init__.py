"""Tell somebody: the store, and files and streams for other tools; nothing is computed here."""

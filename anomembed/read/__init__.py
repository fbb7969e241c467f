"""What is in the table? Sources are opened read-only; every column gets a role, with the reason for it.

In the order in which a scan uses them: `source` opens files, databases and `lines`; `table` counts and streams records
(`relation`, `aggregates`, `columns`); `inference` gives the columns their `roles` by `role_rules`, `suggestion` offers
an entity; `sequences` and `history` put events in order; `vectors` reads imported embeddings.
"""

"""What is in the table? Everything that is read from files and databases, as plain frames.

`source` opens what `files`, `lines` and `databases` read; `access` checks what SQL may do; `table` counts and streams
the records. `written` finds how values are written, `roles` gives each column a role. `sequences` and `history` put
events in order; `vectors` reads imported embeddings.
"""

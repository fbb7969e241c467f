"""From a flag to an understood case: one record, all that is known of it, and what is like it.

`explaining` puts a `Case` together from what the store kept of a run, and from the source, where that is still there.
"""

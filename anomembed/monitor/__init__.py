"""One run of a monitor, for cron: what is new is judged once, and kept together with all that follows from it.

Positions say where a record is in its source: a time in microseconds, or a number that grows. The **watermark** is the
position up to which all has been judged; it only moves to the end of a window, so that it does not matter when a run
starts. A run goes through these states; whatever ends it, the next one finds the store in the state before or after a
transaction, and goes on from there:

==========================  =======================================================================================
state                       what is kept at its end, in one transaction each
==========================  =======================================================================================
1 the store is opened       nothing; DuckDB's lock on the file keeps every other run out, and a kill lets go of it
2 a first run begins        a model (if there was none), the watermark, and the keys that are there already
3 what is new is found      nothing; the source is open only for this
4 late units are judged     scores, flags, findings, alerts, keys, number of those too late: the watermark stays
5 odd units are judged      the same: those without a position, or of the future
6 a batch is judged         the same, and the watermark at its end; again for every batch, the oldest first
7 findings are closed       findings that had no flag for long, by the watermark, and their alerts
8 alerts are told           of each channel that took an alert, that it did; a kill before that tells it once more
==========================  =======================================================================================

A batch is made of whole windows, by positions and never by the clock, and its records are put in order: a run after a
kill makes the same batches, which get the same numbers and the same bytes. The store keeps the keys, positions and
versions that it has seen within the lookback. What of these the source has more is **late** when its key is new, and a
row that repeats a key otherwise. Alerts are written by the transaction that found them, and told afterwards: at least
once, always under the same id.

What the clock says is in ``runs.scored_at``, ``models.fitted_at`` and ``deliveries``, and nowhere else.
"""

"""What the demo planted, and whether the reasons of its scans name it."""

import re

from databases import opened

from anomembed.demo import EVENT_KINDS, PAYMENT_KINDS

KINDS = {"payments": PAYMENT_KINDS, "events": EVENT_KINDS}
FOUND = """
SELECT run_id, source, kind, reason FROM flags JOIN (
    SELECT 'payments' AS source, payment_id::VARCHAR AS key, kind FROM demo.payments_truth
    UNION ALL SELECT 'events', event_id::VARCHAR, kind FROM demo.events_truth) USING (source, key)
ORDER BY ALL"""


def check_reasons_name_what_was_planted(folder, least=0.95):
    """Of each kind, in each scan of `anomembed demo`: the reasons of those found name a planted column."""
    with opened(folder / "anomembed.duckdb", read_only=True) as connection:
        connection.execute(f"ATTACH '{folder / 'demo.duckdb'}' AS demo (READ_ONLY)")
        found = connection.execute(FOUND).fetchall()
    named = {}
    for run, table, kind, reason in found:
        columns = "|".join(KINDS[table][kind].put)
        is_named = re.search(rf"\b({columns})( hour| weekday| part of month)?=", reason) is not None
        named.setdefault((run, table, kind), []).append(is_named)
    for (run, table, kind), each in named.items():
        print(f"run {run}, {table}: {kind}: {sum(each)} of the {len(each)} found name a planted column")  # noqa: T201
    assert len(named) >= 13, "each kind but night_groceries is found in each scan"
    assert all(sum(each) >= least * len(each) for each in named.values())

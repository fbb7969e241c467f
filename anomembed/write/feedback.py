"""What people say about records: kept in the store, and what follows from it for the reference and for flags."""

from typing import NamedTuple

import polars as pl

from anomembed.errors import StoreError, shown
from anomembed.read.roles.assigned import Roles
from anomembed.read.sequences import FORMED
from anomembed.read.table import Table
from anomembed.write.acts import user_name
from anomembed.write.queries import sql_of
from anomembed.write.store import Store


class Said(NamedTuple):
    """The record that something was said about."""

    source: str
    run_id: int


class Reference(NamedTuple):
    """The condition of the reference after feedback, and how many records that changes."""

    where: str | None
    n_left_out: int
    n_joined: int


def give_feedback(store: Store, key: str, verdict: str, note: str | None, run_id: int | None) -> Said:
    """Keep what somebody says about a record.

    Parameters
    ----------
    store : Store
        An open store.
    key : str
        Key of the record, as flags have it.
    verdict : str
        ``normal``, ``anomaly``, or ``withdrawn`` to take back what was said before.
    note : str or None
        Why.
    run_id : int or None
        The run that judged it; by default the newest.

    Raises
    ------
    StoreError
        When no such run judged it, or there is nothing to withdraw.
    """
    rows = store.rows(
        "SELECT source, run_id FROM runs WHERE run_id = coalesce(?, run_id) AND (run_id IN (SELECT run_id FROM flags "
        "WHERE key = ?) OR run_id IN (SELECT run_id FROM scores WHERE key = ?)) ORDER BY run_id DESC LIMIT 1",
        [run_id, key, key],
    )
    if not rows:
        which = f"run {run_id} of {store.path}" if run_id else f"no run of {store.path}"
        raise StoreError(f"{which} judged {'no' if run_id else 'a'} record {shown(key)}; give its key as flags have it")
    said = Said(*rows[0])
    counts = store.rows(f"SELECT count(*) FROM ({sql_of('feedback')}) WHERE source = ? AND key = ?", [said.source, key])
    if verdict == "withdrawn" and not counts[0][0]:
        raise StoreError(f"nothing was said about {shown(key)} of {said.source}: there is nothing to withdraw")
    with store.transaction():
        store.rows(
            "INSERT INTO feedback SELECT coalesce(max(feedback_id), 0) + 1, now() AT TIME ZONE 'UTC', ?, ?, ?, ?, ?, ? "
            "FROM feedback",
            [user_name(), said.source, key, said.run_id, verdict, note],
        )
    return said


def precision(store: Store) -> pl.DataFrame:
    """Return of the judged flags how many were right: by view, and in all (the last row)."""
    return store.frame(sql_of("precision").replace("{verdicts}", sql_of("feedback")))


def normal_findings(store: Store, monitor: str) -> dict[str, float]:
    """Return the findings of a monitor with a flag that was called normal, and the lowest tail probability of these."""
    return dict(
        store.rows(
            "SELECT g.finding_id, min(f.tail_probability) FROM finding_flags g "
            "JOIN flags f USING (run_id, key) JOIN runs r USING (run_id) "
            f"JOIN ({sql_of('feedback')}) v ON v.source = f.source AND v.key = f.key "
            "WHERE r.monitor = ? AND v.verdict = 'normal' GROUP BY ALL ORDER BY ALL",
            [monitor],
        )
    )


def correct_reference(store: Store, table: Table, roles: Roles, where: str | None) -> Reference:
    """Return the condition of the reference with what people called normal, and without what was flagged.

    Records that were flagged are only left out where a condition selects the reference, and not where a notice holds
    their flags back: what is new in many records has to be learnt. Those called normal join it.

    Parameters
    ----------
    store : Store
        An open store.
    table : Table
        The open table.
    roles : Roles
        Roles of its columns.
    where : str or None
        The condition that is set.
    """
    names = [column.name for column in roles.key]
    if where is None or not names or names == [FORMED]:  # whole tables hold all that is normal already
        return Reference(where, 0, 0)
    key = table.key_text([table.column(name) for name in names])
    normal, flagged = (
        [key for (key,) in store.rows(query.format(verdicts=sql_of("feedback")), {"source": table.name})]
        for query in (_NORMAL, _FLAGGED)
    )
    if not normal and not flagged:
        return Reference(where, 0, 0)
    inside = f"coalesce((\n{where}\n), false)"
    bad, good = table.is_listed(key, flagged), table.is_listed(key, normal)
    n_left_out, n_joined = table.count(f"{inside} AND {bad}"), table.count(f"NOT {inside} AND {good}")
    if not n_left_out + n_joined:
        return Reference(where, 0, 0)
    return Reference(f"{inside} AND NOT {bad} OR {good}", n_left_out, n_joined)


_NORMAL = "SELECT key FROM ({verdicts}) WHERE source = $source AND verdict = 'normal'"
_FLAGGED = (
    f"SELECT DISTINCT key FROM flags WHERE source = $source AND key NOT IN ({_NORMAL}) AND NOT EXISTS ("
    "FROM finding_flags f JOIN notices n ON n.notice_id = f.finding_id "
    "WHERE f.run_id = flags.run_id AND f.key = flags.key)"
)

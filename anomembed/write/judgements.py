"""How a store judged a record: its score, its flag, and what was flagged before."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from anomembed.errors import StoreError, shown
from anomembed.write.store import Store

LONGEST_KEY = 200  # characters of a key to which the nearest is looked for
MOST_NEAR = 3  # keys that are offered
JUDGED = """
WITH judged AS (
    SELECT run_id, key, raw_score, tail_probability, flagged, view FROM scores WHERE key = $key
    UNION ALL BY NAME
    -- Flags are kept for longer than scores.
    SELECT run_id, key, raw_score, tail_probability, true AS flagged, view FROM flags
    WHERE key = $key AND run_id NOT IN (SELECT run_id FROM scores WHERE key = $key))
SELECT r.run_id, r.model_id, r.source, r.database, r.config, r.condition, r.rule, r.scored_at, s.raw_score,
    s.tail_probability, s.flagged, s.view, f.rank, f.reason, f.extrapolated, f.record, m.roles, m.state
FROM judged s JOIN runs r USING (run_id) JOIN models m USING (model_id) LEFT JOIN flags f USING (run_id, key)
ORDER BY run_id DESC"""
PARTS = """
SELECT column_name, any_value(value) AS value, sum(contribution) AS contribution, any_value(expected) AS expected
FROM contributions WHERE run_id = ? AND key = ? GROUP BY column_name ORDER BY contribution DESC, column_name"""
EARLIER = """
WITH own AS (
    SELECT column_name, value, sum(contribution) AS weight FROM contributions
    WHERE run_id = $run AND key = $key GROUP BY ALL HAVING weight > 0),
parts AS (
    SELECT run_id, key, column_name, value, sum(contribution) AS weight FROM contributions
    WHERE run_id <= $run AND key <> $key GROUP BY ALL HAVING weight > 0),
shared AS (
    SELECT run_id, key, sum(least(own.weight, parts.weight) * if(own.value = parts.value, 1, 0.5)) AS alike
    FROM own JOIN parts USING (column_name) GROUP BY ALL)
SELECT key, run_id, round(alike / (SELECT sum(weight) FROM own), 3) AS alike, f.tail_probability, f.reason
FROM shared JOIN flags f USING (run_id, key) JOIN runs r USING (run_id)
WHERE r.source = $source AND r.database IS NOT DISTINCT FROM $database
    AND alike >= 0.1 * (SELECT sum(weight) FROM own)
QUALIFY row_number() OVER (PARTITION BY key ORDER BY run_id DESC) = 1
ORDER BY alike DESC, run_id DESC, key LIMIT 3"""


@dataclass(frozen=True)
class Judgement:
    """What a run made of a record.

    Parameters
    ----------
    key : str
        Of the record or sequence, as text.
    run_id, model_id : int
        The run, and the model that scored.
    source : str
        The table or query.
    database, config : str or None
        Where it is, and the settings of the run as JSON.
    condition, rule : str or None, str
        Which records were scored, and how flags were chosen.
    scored_at : datetime
        When (UTC).
    raw_score, tail_probability, flagged, view
        As in the table ``scores``.
    rank, reason, extrapolated, record
        As in the table ``flags``; None when it was not flagged.
    roles, state : str, str or None
        Of the model, as in the table ``models``.
    others : tuple of int
        Other runs over the same source that judged it, the newest first.
    elsewhere : tuple of (int, str)
        Runs over other sources that judged a record with this key, and what they read; the newest of each.
    """

    key: str
    run_id: int
    model_id: int
    source: str
    database: str | None
    config: str | None
    condition: str | None
    rule: str
    scored_at: datetime
    raw_score: float
    tail_probability: float
    flagged: bool
    view: str
    rank: int | None
    reason: str | None
    extrapolated: bool | None
    record: str | None
    roles: str
    state: str | None
    others: tuple[int, ...]
    elsewhere: tuple[tuple[int, str], ...]


def find_judgement(store: Store, key: str, run_id: int | None = None) -> Judgement:
    """Return what the newest run that judged a key, or a given one, made of it.

    Raises
    ------
    StoreError
        When there is no run, no such run, or none that judged the key; the nearest keys are offered.
    """
    runs = [run for (run,) in store.rows("SELECT run_id FROM runs WHERE failure IS NULL ORDER BY run_id DESC")]
    if not runs:
        raise StoreError(f"no run in {store.path}: run `anomembed scan` or `anomembed score` first")
    if run_id is not None and run_id not in runs:
        raise StoreError(f"no run {run_id} in {store.path}; there are: {', '.join(map(str, reversed(runs)))}")
    found = store.rows(JUDGED, {"key": key})
    chosen = [row for row in found if run_id in (None, row[0])]
    if not chosen:
        raise StoreError(_unknown(store, key, run_id, [row[0] for row in found], runs[0]))
    own = chosen[0]
    others = tuple(row[0] for row in found if row[2:4] == own[2:4] and row is not own)
    elsewhere = {row[2:4]: (row[0], row[2]) for row in reversed(found) if row[2:4] != own[2:4]}
    return Judgement(key, *own, others, tuple(elsewhere.values()))  # type: ignore[call-arg]  # columns in the order of its fields


def _unknown(store: Store, key: str, run_id: int | None, others: list[int], newest: int) -> str:
    """Say that no run judged a key, and what was meant."""
    if others:
        return f"run {run_id} scored no record {shown(key)}; these runs did: {', '.join(map(str, others))}"
    near = _nearest_keys(store, key, newest if run_id is None else run_id)
    which = f"no run in {store.path} scored a record" if run_id is None else f"run {run_id} scored no record"
    return f"{which} {shown(key)}" + (f"; the nearest keys: {', '.join(map(repr, near))}" if near else "")


def _nearest_keys(store: Store, key: str, run_id: int) -> list[str]:
    if len(key) > LONGEST_KEY:
        return []
    near = """SELECT key, levenshtein(key[:200], $key) AS steps FROM scores WHERE run_id = $run
        AND steps <= greatest(1, len($key) // 2) ORDER BY steps, key LIMIT $most"""
    return store.frame(near, {"run": run_id, "key": key, "most": MOST_NEAR})["key"].to_list()


def kept_parts(store: Store, judgement: Judgement) -> pl.DataFrame:
    """Return ``column_name``, ``value``, ``contribution`` and ``expected`` of a flag, as the store has them."""
    return store.frame(PARTS, [judgement.run_id, judgement.key])


def earlier_flags(store: Store, judgement: Judgement) -> pl.DataFrame:
    """Return the flags of this and earlier runs over the same source that are most like a record.

    How much alike is the part of its score that comes from the same columns; with another value, half of it.

    Returns
    -------
    pl.DataFrame
        ``key``, ``run_id``, ``alike`` (0 to 1), ``tail_probability`` and ``reason``.
    """
    about = {"run": judgement.run_id, "key": judgement.key}
    return store.frame(EARLIER, {**about, "source": judgement.source, "database": judgement.database})


def scores_of(store: Store, run_id: int, keys: Iterable[str]) -> dict[str, tuple[float, bool]]:
    """Return the tail probability of records in a run, and whether they were flagged, by key."""
    query = """
        SELECT key, tail_probability, flagged FROM scores SEMI JOIN (SELECT unnest($keys::VARCHAR[]) AS key) USING (key)
        WHERE run_id = $run"""
    found = store.rows(query, {"keys": list(keys), "run": run_id})
    return {key: (tail, flagged) for key, tail, flagged in found}

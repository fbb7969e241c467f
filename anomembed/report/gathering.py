"""What a page says about a run, read from the store alone: the source may be elsewhere, or gone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from anomembed.errors import StoreError
from anomembed.score.flags import n_ordinary
from anomembed.write.store import Store

MOST_FLAGS = 5_000  # on a page; of more, the most abnormal
MOST_UNUSUAL = 20  # records that are shown where nothing is flagged
TAILS = (0.1, 0.01, 0.001)  # at which the records are compared with the reference
RUN = """
SELECT r.run_id, r.model_id, r.scored_at, r.source, r.database, r.condition, r.rule, r.n_scored, r.n_flagged, r.monitor,
    m.fitted_at, m.source AS fitted_on, m.n_reference, m.config, m.roles, m.summary, m.versions,
    m.state IS NOT DISTINCT FROM 'pruned' AS is_pruned
FROM runs r JOIN models m USING (model_id) WHERE failure IS NULL AND (run_id = $run OR $run IS NULL)
ORDER BY run_id DESC LIMIT 1"""
FLAGS = """
SELECT key, rank, raw_score, tail_probability, extrapolated, view, reason, record,
    coalesce(nullif(finding, ''), reason) AS finding FROM flags WHERE run_id = ? ORDER BY rank, key LIMIT ?"""
PARTS = """
SELECT f.rank, column_name, any_value(value) AS value, sum(contribution) AS contribution,
    any_value(expected) AS expected
FROM contributions c JOIN flags f USING (run_id, key) WHERE run_id = ? GROUP BY f.rank, column_name
HAVING abs(contribution) >= 0.005 ORDER BY f.rank, contribution DESC, column_name"""
FINDINGS = """
SELECT coalesce(nullif(finding, ''), reason) AS finding, count(*) AS n_flags, min(tail_probability) AS tail,
    min(rank) AS first, min_by(reason, rank) AS reason, min_by(view, rank) AS view, min_by(key, rank) AS key
FROM flags WHERE run_id = ? GROUP BY ALL ORDER BY first LIMIT ?"""
DRIVERS = """
SELECT column_name, sum(contribution) AS contribution FROM contributions WHERE run_id = ? GROUP BY ALL
HAVING contribution > 0 ORDER BY contribution DESC, column_name LIMIT 12"""
UNUSUAL = "SELECT key, tail_probability, view FROM scores WHERE run_id = ? ORDER BY raw_score DESC, key LIMIT ?"
BELOW = "SELECT {} FROM scores WHERE run_id = ?"
QUALITY = """
SELECT column_name, sum(n_records) AS total, sum(n_records) FILTER (kind = 'MISSING') AS missing,
    count(*) FILTER (kind = 'value' AND n_records > 0) AS n_values,
    count(*) FILTER (kind = 'value' AND n_records = 1) AS n_once, max(low) IS NOT NULL AS is_number
FROM tokens WHERE model_id = ? GROUP BY column_name ORDER BY min(token_id)"""


@dataclass(frozen=True)
class Gathered:
    """What is known of a run.

    Parameters
    ----------
    run : mapping
        Its row in ``runs``, with that of its model; JSON is parsed.
    flags, parts, findings, drivers, unusual, quality : pl.DataFrame
        Flags by rank; their contributions by column; flags by reason; columns by what they add; the most unusual
        records; columns with how much is missing.
    below : sequence
        Of each of `TAILS`: the tail, and how many records are at or below it.
    """

    run: Mapping[str, Any]
    flags: pl.DataFrame
    parts: pl.DataFrame
    findings: pl.DataFrame
    drivers: pl.DataFrame
    unusual: pl.DataFrame
    quality: pl.DataFrame
    below: Sequence[tuple[float, int]]

    @property
    def n_ordinary(self) -> int:
        """How many of the last flags fill up a budget; 0 where not all flags are here."""
        is_filled = self.run["rule"].startswith("budget") and self.flags.height == self.run["n_flagged"]
        return n_ordinary(self.flags["tail_probability"].to_numpy(), self.run["n_scored"]) if is_filled else 0

    @property
    def time(self) -> str | None:
        """The column that says when, if the model has one."""
        return next((role["column"] for role in self.run["roles"] if role["role"] == "timestamp"), None)

    @property
    def moments(self) -> list[datetime]:
        """When the flagged records were, of those of which that is known."""
        if self.time is None:
            return []
        texts = (json.loads(record or "{}").get(self.time) for record in self.flags["record"])
        return [moment for moment in map(_moment, texts) if moment is not None]


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def gather(store: Store, run_id: int | None = None) -> Gathered:
    """Read what a page says.

    Parameters
    ----------
    store : Store
        An open store.
    run_id : int, optional
        The run; by default the newest.

    Raises
    ------
    StoreError
        When there is no such run.
    """
    runs = store.frame(RUN, {"run": run_id})
    if not runs.height:
        which = "no run" if run_id is None else f"no run {run_id}"
        raise StoreError(f"{which} in {store.path}: run `anomembed scan` or `anomembed score` first")
    run = runs.row(0, named=True)
    run |= {name: json.loads(run[name]) for name in ("config", "roles", "summary", "versions")}
    number = run["run_id"]
    counts = ", ".join(f"count(*) FILTER (tail_probability <= {tail})" for tail in TAILS)
    below = store.rows(BELOW.format(counts), [number])[0]
    return Gathered(
        run,
        store.frame(FLAGS, [number, MOST_FLAGS]),
        store.frame(PARTS, [number]),
        store.frame(FINDINGS, [number, MOST_FLAGS]),
        store.frame(DRIVERS, [number]),
        store.frame(UNUSUAL, [number, MOST_UNUSUAL]),
        store.frame(QUALITY, [run["model_id"]]),
        list(zip(TAILS, below, strict=True)),
    )

"""Normal records that are like one: those that differ in the fewest columns, by embeddings where as many differ."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.explain.counterfactual import NORMAL
from anomembed.investigate.case import Similar
from anomembed.investigate.source import KEY, SourceRecord
from anomembed.model import Model
from anomembed.read.quoting import quote_text
from anomembed.read.table import VALUE, read_values
from anomembed.represent.tokens.vocabulary import ColumnTokens
from anomembed.write.judgements import scores_of
from anomembed.write.store import Store

MOST = 3  # neighbours
TRIED = 200  # records that agree in the most columns
SHOWN = "shown:"  # prefix of columns as the source has them


def nearest_normal(at: SourceRecord, frame: pl.DataFrame, store: Store, run_id: int) -> tuple[Similar, ...]:
    """Return the normal records most like one, the nearest first.

    Parameters
    ----------
    at : SourceRecord
        Where the record is.
    frame : pl.DataFrame
        Its judged columns, under their own names.
    store : Store
        The open store.
    run_id : int
        The run that says which records are normal: not flagged, and no less likely than `NORMAL`.
    """
    names = [column.name for column in at.roles.judged if column.name in frame.columns]
    found = _candidates(at, frame, names)
    known = scores_of(store, run_id, found[KEY])
    tails = [known.get(key, (None, False)) for key in found[KEY]]
    is_normal = [not flagged and (tail is None or tail >= NORMAL) for tail, flagged in tails]
    found, tail_of = found.filter(pl.Series(is_normal, dtype=pl.Boolean)), dict(zip(found[KEY], tails, strict=True))
    own, others = at.model.vocabulary.encode(frame)[0], at.model.vocabulary.encode(read_values(found))
    order = np.argsort(_distances(at.model, own, others), kind="stable")[:MOST]
    return tuple(
        _similar(at.model, found.row(row, named=True), names, own != others[row], tail_of) for row in order.tolist()
    )


def _similar(
    model: Model,
    row: dict[str, Any],
    names: Sequence[str],
    is_other: NDArray[np.bool_],
    tails: Mapping[str, tuple[float | None, bool]],
) -> Similar:
    values = {name: row[SHOWN + name] for name in names}
    sources = (
        column.source for column, is_so in zip(model.vocabulary.columns, is_other.tolist(), strict=True) if is_so
    )
    return Similar(
        row[KEY], values, tuple(name for name in dict.fromkeys(sources) if name in names), tails[row[KEY]][0]
    )


def _candidates(at: SourceRecord, frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Read the records that agree with one in the most columns."""
    own, select = frame.row(0, named=True), at.roles.select()
    agrees = [_agrees(column, select[column.source], own[column.source]) for column in _compared(at.model, frame)]
    agree = " + ".join(f"coalesce(({sql})::INTEGER, 0)" for sql in filter(None, agrees)) or "0"
    reading = {VALUE + name: select[name] for name in names} | {SHOWN + k: v for k, v in at.shown(names).items()}
    where = at.model.config.source.fit_where
    best = [f"{agree} DESC", f"hash({at.identity})"]
    found = at.table.rows({KEY: at.key_sql, **reading}, where, best, TRIED + 1)  # itself is left out of these alone: to
    return found.filter(pl.col(KEY).ne_missing(at.key))[:TRIED]  # compare every key takes as long as all the rest


def _compared(model: Model, frame: pl.DataFrame) -> list[ColumnTokens]:
    """Return the columns that candidates are chosen by; parts of time only count where all of these agree as often."""
    known = [c for c in model.vocabulary.columns if c.source in frame.columns and not c.is_of_message]
    return [c for c in known if not c.kind.traits.is_coded_in_sql] or known


def _agrees(column: ColumnTokens, sql: str, value: object) -> str | None:
    """Return an SQL condition for the records with the same token in a column."""
    if value is None:
        return f"{sql} IS NULL"
    if column.kind.traits.is_presence:
        return None
    if column.kind.traits.is_number:
        edges = column.edges.tolist()
        at = int(np.searchsorted(column.edges, float(str(value)), side="right"))
        ends = [f"{sql} >= {edges[at - 1]!r}"] if at else []
        return " AND ".join([*ends, *([f"{sql} < {edges[at]!r}"] if at < len(edges) else [])])
    code = column.kind.traits.sql.format(sql)
    if column.kind.traits.is_coded_in_sql:
        return f"{code} = {column.kind.traits.sql.format(f'TIMESTAMP {quote_text(str(value))}')}"
    return f"{code} = {quote_text(str(value))}"


def _distances(model: Model, own: NDArray[np.int32], others: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the columns that differ, each less by half its similarity."""
    vectors = model.embeddings.vectors
    lengths = np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)
    alike = (vectors[own][None] * vectors[others]).sum(axis=2) / (lengths[own] * lengths[others])
    return np.asarray(((own != others) * (1 - 0.5 * np.clip(alike, 0, 1))).sum(axis=1))

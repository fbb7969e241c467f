"""An empty result: that of an earlier run must not be taken for that of a run without records."""

from typing import Any

import polars as pl

from anomembed.model import Model
from anomembed.read.table import ROW_NUMBER, Table
from anomembed.write.store import Store


def score_nothing(model: Model, table: Table, store: Store) -> pl.DataFrame:
    """Stage the scores of no records, and return the empty frame of flags.

    Parameters
    ----------
    model : Model
        A fitted model.
    table : Table
        An open table, which has the key columns.
    store : Store
        An open store.
    """
    names = model.roles.key_names
    known = table.value_types([column.name for column in table.columns if column.name in names])
    kinds: dict[str, Any] = {n: known.get(n, pl.Int64 if n == ROW_NUMBER else pl.String) for n in names}
    scored = {"raw_score": pl.Float64, "tail_probability": pl.Float64, "view": pl.String}
    others = {"extrapolated": pl.Boolean, "reason": pl.String, "record_values": pl.String, "finding": pl.String}
    columns = ("rank", "raw_score", "tail_probability", "extrapolated", "view", "reason", "record_values", "finding")
    flagged = {name: ({"rank": pl.Int64} | scored | others)[name] for name in columns}
    flags = pl.DataFrame(schema=kinds | flagged)
    store.stage_nothing(pl.DataFrame(schema=kinds | scored), flags)
    return flags

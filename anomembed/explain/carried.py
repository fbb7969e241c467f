"""What a flag carries of its record, as JSON: when, who, the message in full, and the values that its reason names."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

import polars as pl

from anomembed.explain.findings import values_of
from anomembed.model import Model
from anomembed.read.roles.role import Content, Role
from anomembed.read.table import VALUE, read_values
from anomembed.views.reason import Reason

LONGEST = 2_000  # characters of a value that are carried


def carry(model: Model, flagged: pl.DataFrame, reasons: Sequence[Reason]) -> pl.Series:
    """Return a JSON object for every flag.

    Parameters
    ----------
    model : Model
        The model that scored.
    flagged : pl.DataFrame
        Rows as `anomembed.scoring.score_batches` yields them.
    reasons : sequence of Reason
        A reason per row; none for flags that are not explained.
    """
    named = [{value.column: value.text for value in values_of(reason)} for reason in reasons] or [{}] * flagged.height
    if model.is_sequential:
        rows: Iterable[Mapping[str, Any]] = named
    else:
        always = [column.name for column in model.roles.columns if _is_always_carried(column.role)]
        names = dict.fromkeys([*always, *(name for more in named for name in more)])
        values = read_values(flagged.select(VALUE + name for name in names if VALUE + name in flagged.columns))
        values = values.with_columns(_as_typed(model, values))
        found = values.iter_rows(named=True) if values.width else iter([{}] * flagged.height)
        rows = (_picked(row, always, more) for row, more in zip(found, named, strict=True))
    return pl.Series(map(_json, rows), dtype=pl.String)


def _as_typed(model: Model, values: pl.DataFrame) -> Iterable[pl.Expr]:
    """Make days of moments at midnight, and moments in UTC, as they are read, of those with a time zone."""
    for moment in model.roles.holding(Content.MOMENT):
        if moment.name in values.columns and moment.type == "DATE":
            yield pl.col(moment.name).cast(pl.Date)
        elif moment.name in values.columns and "WITH TIME ZONE" in moment.type:
            yield pl.col(moment.name).dt.replace_time_zone("UTC")


def _picked(row: Mapping[str, Any], always: Sequence[str], named: Mapping[str, str]) -> dict[str, Any]:
    """Return the values to carry of a record, as the source has them; what is derived from others as text."""
    return {name: row[name] for name in always} | {name: row.get(name, text) for name, text in named.items()}


def _is_always_carried(role: Role) -> bool:
    return role is Role.ENTITY or role.content in (Content.MOMENT, Content.MESSAGE)


def _json(row: Mapping[str, Any]) -> str:
    return json.dumps({name: _plain(value) for name, value in row.items() if value is not None}, ensure_ascii=False)


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Return a value that JSON can hold: moments in ISO format, what is no number or text as text."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value)[:LONGEST]

"""Plant the cases to find: a normal record gets one or a few values of another normal record, the donor."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
from polars import col, selectors

from anomembed.demo.drawing import Numbers

N_PAIRS = 100_000


class Kind(NamedTuple):
    """A kind of planted case, made from pairs of records: one to change, and a donor, whose columns end in `_2`."""

    story: str
    """A sentence with the changed record's columns in braces."""
    where: pl.Expr
    """Which pairs qualify."""
    put: Mapping[str, pl.Expr]
    """New values that make the record abnormal."""


def is_common(codes: Numbers) -> Numbers:
    """Return which rows have a value at least as frequent as that of the median row.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,)
        The values as integers from 0.

    Returns
    -------
    ndarray of shape (n_rows,)
        Boolean.

    Examples
    --------
    >>> is_common(np.array([0, 1, 1, 1, 2])).tolist()
    [False, True, True, True, False]
    """
    counts = np.bincount(codes)[codes]
    return np.asarray(counts >= np.median(counts))


def plant(
    frame: pl.DataFrame, key: str, usual: Numbers, kinds: Mapping[str, Kind], n: int, rng: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Turn normal rows into cases of each kind.

    Parameters
    ----------
    frame : pl.DataFrame
        The first column is the time; columns with a leading underscore are dropped from the result.
    key : str
        Name of the key column to add.
    usual : ndarray of shape (n_rows,)
        Boolean: rows that may be changed or be donors.
    kinds : Mapping
        Kinds by name; earlier ones choose their rows first.
    n : int
        Cases of each kind.
    rng : np.random.Generator
        Random numbers.

    Returns
    -------
    table : pl.DataFrame
        Sorted by time.
    truth : pl.DataFrame
        The key, `kind` and `story` of the changed rows.
    """
    numbered = frame.with_row_index("_row").with_columns(kind=pl.lit(None, pl.String))
    pairs = _draw_pairs(numbered, np.flatnonzero(usual), rng)
    planted = numbered.clear()
    for name, kind in kinds.items():
        found = pairs.filter(kind.where, ~_is_in(planted)).unique("_row", keep="first", maintain_order=True)
        changed = found.head(n).with_columns(kind=pl.lit(name), **kind.put)
        planted.extend(changed.select(numbered.columns).cast(numbered.schema))
    return _number(pl.concat([numbered.filter(~_is_in(planted)), planted]), key, kinds)


def _is_in(planted: pl.DataFrame) -> pl.Expr:
    return col("_row").is_in(planted["_row"].to_list())


def _draw_pairs(frame: pl.DataFrame, usual: Numbers, rng: np.random.Generator) -> pl.DataFrame:
    rows = frame[rng.choice(usual, N_PAIRS)]
    donors = frame[rng.choice(usual, N_PAIRS)].select(pl.all().name.suffix("_2"))
    return pl.concat([rows, donors], how="horizontal")


def _number(frame: pl.DataFrame, key: str, kinds: Mapping[str, Kind]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sort by time, number the rows (so that keys reveal nothing), and split off the truth with its stories."""
    public = [name for name in frame.columns if not name.startswith("_")]
    ordered = frame.sort(public[0], "_row").select(pl.int_range(1, pl.len() + 1).alias(key), *public)
    ordered = ordered.with_columns(selectors.enum().cast(pl.String))
    planted = ordered.filter(col("kind").is_not_null())
    stories = [kinds[row["kind"]].story.format(**row) for row in planted.iter_rows(named=True)]
    return ordered.drop("kind"), planted.select(key, "kind").with_columns(story=pl.Series(stories))

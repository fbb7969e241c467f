"""The cases to find: a usual record gets one or a few values of another usual record, a donor."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
from polars import col, selectors

from anomembed.demo.drawing import Numbers

N_PAIRS = 100_000


class Kind(NamedTuple):
    """A kind of planted case, made from pairs of usual records: one to change, and a donor with columns in `_2`."""

    story: str
    """A sentence for a person, with the changed record's values in braces."""
    where: pl.Expr
    """The pairs that serve."""
    put: Mapping[str, pl.Expr]
    """The values that make the record abnormal."""


def is_common(codes: Numbers) -> Numbers:
    """Tell which rows have a value at least as frequent as that of the median row.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,)
        The values as numbers from 0.

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
    """Change usual rows into each of the kinds.

    Parameters
    ----------
    frame : pl.DataFrame
        The first column is the time; columns with a leading underscore are for the kinds only.
    key : str
        Name of the key to give to the rows.
    usual : ndarray of shape (n_rows,)
        Boolean: the rows that may be changed or be donors.
    kinds : Mapping
        The kinds by name; those before have the first choice of rows.
    n : int
        Cases of each kind.
    rng : np.random.Generator
        Draws the pairs.

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
    """Sort by time before giving the keys, so that they tell nothing; split off the truth and tell its stories."""
    public = [name for name in frame.columns if not name.startswith("_")]
    ordered = frame.sort(public[0], "_row").select(pl.int_range(1, pl.len() + 1).alias(key), *public)
    ordered = ordered.with_columns(selectors.enum().cast(pl.String))
    planted = ordered.filter(col("kind").is_not_null())
    stories = [kinds[row["kind"]].story.format(**row) for row in planted.iter_rows(named=True)]
    return ordered.drop("kind"), planted.select(key, "kind").with_columns(story=pl.Series(stories))

"""Which values of a column are like one, and what both occur with."""

from collections.abc import Sequence

import polars as pl

from anomembed.errors import ConfigError, StoreError
from anomembed.write.asking import OURS
from anomembed.write.queries import sql_of
from anomembed.write.store import Store

MOST = 10  # values
MAPPED = """
SELECT token, embedding, n_records,
    row_number() OVER (ORDER BY is_value(token, low, high, $value) DESC, token <> $value, n_records DESC, token) = 1
        AS is_asked
FROM tokens
WHERE model_id = model_of($column, $value, $model::BIGINT) AND column_name = $column AND kind = 'value'
    AND n_records > 0
ORDER BY is_asked DESC, list_contains($alike, token) DESC, n_records DESC, token LIMIT 2000"""


def split_token(token: str) -> tuple[str, str]:
    """Return the column and the value of a token such as ``merchant=Acme``.

    Raises
    ------
    ConfigError
        When there is no equals sign.
    """
    column, sign, value = token.partition("=")
    if not sign:
        raise ConfigError(f"a value is named like merchant=Acme, not {token!r}")
    return column, value


def find_similar(store: Store, token: str, most: int = MOST, model_id: int | None = None) -> pl.DataFrame:
    """Return the values most like one.

    Parameters
    ----------
    store : Store
        An open store.
    token : str
        Column and value, such as ``merchant=Acme``; a number is found by its bin.
    most : int
        How many.
    model_id : int, optional
        The model; by default the newest that has the value.

    Returns
    -------
    pl.DataFrame
        ``token``, ``distance`` (1 less the cosine similarity), ``n_records``, and ``both``: what both occur with more
        often than by chance.

    Raises
    ------
    StoreError
        When the model has no such value; the nearest are offered.
    """
    column, value = split_token(token)
    try:
        return store.frame(sql_of("likeness"), {"column": column, "value": value, "model": model_id, "most": most})
    except StoreError as error:
        raise StoreError(str(error).split(OURS)[-1].replace("add of_model := N", "add --model N")) from error


def tokens_of(store: Store, token: str, alike: Sequence[str], model_id: int | None = None) -> pl.DataFrame:
    """Return ``token``, ``embedding``, ``n_records`` and ``is_asked`` of the values of a column.

    First comes the one that is asked for, then those that are like it, then the most frequent ones.
    """
    column, value = split_token(token)
    return store.frame(MAPPED, {"column": column, "value": value, "alike": list(alike), "model": model_id})

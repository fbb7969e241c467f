"""Group the values of a column by another column, as ``--group merchant=merchant_category`` asks for."""

from dataclasses import dataclass

import numpy as np

from anomembed.errors import ConfigError, DataError
from anomembed.read.roles.assigned import Roles
from anomembed.read.roles.role import Role
from anomembed.read.sequences import event_sql
from anomembed.read.table import Table
from anomembed.represent.arrays import Ints
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.tokens.vocabulary import Kind


@dataclass(frozen=True)
class Grouping:
    """Tokens of a column, each in the group of the value it most often occurs with in another column.

    Parameters
    ----------
    column, by : str
        The column of the tokens, and the column that groups them.
    tokens : ndarray of shape (n_grouped,)
        Token ids.
    groups : ndarray of shape (n_grouped,)
        Index of each token's group in `names`.
    names : tuple of str
        Names of the groups: values of `by`.
    """

    column: str
    by: str
    tokens: Ints
    groups: Ints
    names: tuple[str, ...]


def find_grouped(table: Table, option: str) -> tuple[str, str]:
    """Parse an option such as ``merchant=merchant_category``.

    Parameters
    ----------
    table : Table
        An open table; its column names may contain equals signs.
    option : str
        Two column names, joined by an equals sign.

    Returns
    -------
    column, by : str

    Raises
    ------
    SourceError
        When there is no such column.
    ConfigError
        When the option is ambiguous.
    """
    parts = option.split("=")
    splits = [("=".join(parts[:index]), "=".join(parts[index:])) for index in range(1, len(parts))]
    known = {column.name.casefold() for column in table.columns}
    valid = [split for split in splits if all(name.casefold() in known for name in split)]
    if len(valid) > 1:
        meanings = " or ".join(f"{column!r} by {by!r}" for column, by in valid)
        raise ConfigError(f"--group {option} is ambiguous: {meanings}; rename a column in a query")
    column, by = max(splits, key=lambda split: sum(name.casefold() in known for name in split))
    return table.column(column).name, table.column(by).name


def read_grouping(table: Table, roles: Roles, corpus: Corpus, columns: tuple[str, str], where: str | None) -> Grouping:
    """Group the values of a column by the value of another that each most often occurs with.

    Parameters
    ----------
    table : Table
        An open table.
    roles : Roles
        Roles of its columns.
    corpus : Corpus
        The tokens.
    columns : tuple of str
        The column whose values are grouped, and the column that groups them.
    where : str or None
        SQL condition of the records to count.

    Raises
    ------
    SourceError
        When there is no such column.
    ConfigError
        When the first column is not judged as a category.
    DataError
        When there are fewer than two groups, or none with two values.
    """
    column, by = (table.column(name) for name in columns)
    indices = [index for index, c in enumerate(corpus.columns) if c.source == column.name and c.kind is Kind.VALUE]
    if not indices and not (corpus.is_ordered and corpus.columns[0].kind is Kind.VALUE):
        raise ConfigError(f"--group {column.name}={by.name}: {column.name} is not judged as a category")
    index = indices[0] if indices else 0
    value = event_sql(roles.of(Role.EVENT)) if corpus.is_ordered else f"CAST({column.expression} AS VARCHAR)"
    counts = table.value_counts_of(value, f"CAST({by.expression} AS VARCHAR)", where).drop_nulls()
    counts = counts.sort("entity", "n_records", "value", descending=[False, True, False])
    majority = dict(counts.unique("entity", keep="first", maintain_order=True).select("entity", "value").iter_rows())
    low, high = corpus.offsets[index : index + 2].tolist()
    used = low + np.flatnonzero(corpus.occurrences[low:high])
    labels = [corpus.columns[index].labels[token - low] for token in used]
    grouped = [(token, majority[label]) for token, label in zip(used, labels, strict=True) if label in majority]
    names, groups = np.unique(np.array([name for _, name in grouped], dtype=object), return_inverse=True)
    if len(names) < 2 or len(names) == len(grouped):
        what = "one group" if len(names) == 1 else "no group with two values"
        raise DataError(f"--group {column.name}={by.name}: the values of {column.name} form {what}")
    return Grouping(column.name, by.name, np.array([token for token, _ in grouped]), groups, tuple(names.tolist()))

"""Rank scores against labels, after scoring; a label column is hidden from every fit.

A label says whether a record is abnormal. Labels are read from the source with the key, by which they are joined to
scores.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from anomembed.config import Config
from anomembed.errors import ConfigError, DataError, first_names, shown
from anomembed.read.added import spelled
from anomembed.read.roles.assigned import Roles
from anomembed.read.roles.keys import check_key
from anomembed.read.table import Table
from anomembed.represent.tokens.value_counts import ValueCounts

IS_ABNORMAL = "is_abnormal"
PAIRS = ({"0", "1"}, {"0.0", "1.0"}, {"false", "true"})  # labels that need no --positive: the larger is abnormal


@dataclass(frozen=True)
class Ranking:
    """How well scores rank abnormal records first.

    Parameters
    ----------
    n_records, n_abnormal : int
        Records with a label and a score, and the abnormal ones among them.
    roc_auc : float
        Probability that an abnormal record scores higher than a normal one; 0.5 is chance.
    average_precision : float
        Area under the precision-recall curve; the share of abnormal records is chance.
    """

    n_records: int
    n_abnormal: int
    roc_auc: float
    average_precision: float


def hide_column(
    config: Config, table: Table, name: str, option: str, given: Mapping[str, Sequence[str]] | None = None
) -> Config:
    """Hide a column, and the fields of a struct column, from every fit.

    Parameters
    ----------
    config : Config
        Settings. If they give the column a judged role, as those that `init` writes do, it is ignored instead.
    table : Table
        An open table.
    name : str
        Name of the column.
    option : str
        The option that names it, for the message.
    given : mapping of str to sequence of str, optional
        Columns by the role given on the command line; none of them can be hidden.

    Returns
    -------
    Config
        With the column among those to ignore.

    Raises
    ------
    SourceError
        When there is no such column.
    ConfigError
        When the column is a key, a time or an entity, forms or orders sequences, or has a role on the command line.
    """
    column = table.column(name).name
    taken = {**(given or {}), **{role: getattr(config.roles, role) for role in ("key", "timestamp", "entity")}}
    sequence = config.sequence
    taken |= {"sequence": [sequence.key] if sequence.key else [], "order": sequence.order, "event": sequence.event}
    for role, names in taken.items():
        if role != "ignore" and column in {spelled(other, table) for other in names}:
            raise ConfigError(f"{option}: {column} is used as {role}, so it cannot be hidden from the fit")
    listed = {role: getattr(config.roles, role) for role in type(config.roles).model_fields}
    fields = [other.name for other in table.columns if other.name.startswith(f"{column}.")]
    hidden = {column, *fields}
    kept = {role: tuple(n for n in names if spelled(n, table) not in hidden) for role, names in listed.items()}
    roles = config.roles.model_copy(update={**kept, "ignore": (*kept["ignore"], column, *fields)})
    return config.model_copy(update={"roles": roles})


def read_labels(table: Table, roles: Roles, label: str, positive: str | None, where: str | None) -> pl.DataFrame:
    """Read which records are abnormal.

    Parameters
    ----------
    table : Table
        An open table.
    roles : Roles
        Roles of its columns; those with the role key are read.
    label : str
        Name of the label column.
    positive : str or None
        Label of abnormal records, as text; None for a Boolean, or 0 and 1.
    where : str or None
        SQL condition of the records.

    Returns
    -------
    pl.DataFrame
        The key columns and `IS_ABNORMAL`, null where the label is null. Rows with the same key, such as the events of
        a sequence, are merged: abnormal when any of them is.

    Raises
    ------
    SourceError
        When there is no such column.
    ConfigError
        When `positive` is needed, or does not occur.
    DataError
        When all labels are the same or null, or the key is not unique.
    """
    check_key(roles, table, where)
    column = table.column(label)
    expression = f"CAST({column.expression} AS VARCHAR)"
    counted = ValueCounts.of(table.value_counts(expression, where))
    positives = _choose_positive(column.name, counted.counts["value"].to_list(), positive)
    key = [table.column(c.name) for c in roles.key]
    frames = list(table.batches({"__label": expression}, key, where, 100_000))
    names = roles.key_names
    if roles.is_sequential:  # rows without a sequence belong to none
        frames = [frame.drop_nulls(names) for frame in frames]
    read = pl.concat(frames).select(*names, pl.col("__label").is_in(positives).alias(IS_ABNORMAL))
    return read.group_by(names, maintain_order=True).agg(pl.col(IS_ABNORMAL).max())


def _choose_positive(name: str, values: list[str], positive: str | None) -> list[str]:
    if not values:
        raise DataError(f"every label in {name} is null")
    listed = first_names(list(map(shown, sorted(values))))
    if positive is None:
        pair = next((pair for pair in PAIRS if {value.casefold() for value in values} <= pair), None)
        if pair is None:
            raise ConfigError(f"{name} has the values {listed}: name the abnormal one with --positive VALUE")
        positives = [value for value in values if value.casefold() == max(pair)]
    else:
        positives = [positive] if positive in values else []
        if not positives:
            raise ConfigError(f"no record has {name} = {shown(positive)}; it has the values {listed}")
    if len(positives) in (0, len(values)):
        raise DataError(f"every label in {name} is {listed}: labels must distinguish normal from abnormal records")
    return positives


def rank(scores: pl.DataFrame, labels: pl.DataFrame) -> Ranking:
    """Rank scores against labels.

    Parameters
    ----------
    scores : pl.DataFrame
        Key columns and ``raw_score`` (high = abnormal).
    labels : pl.DataFrame
        From `read_labels`, with the same key columns.

    Returns
    -------
    Ranking
        Over the records that have both; null labels are left out.

    Raises
    ------
    DataError
        When none, or all, of the labelled records are abnormal.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    key = [name for name in labels.columns if name != IS_ABNORMAL]
    both = scores.join(labels.drop_nulls(IS_ABNORMAL), on=key).sort(key)
    truth, raw = both[IS_ABNORMAL].to_numpy(), both["raw_score"].to_numpy()
    n_abnormal = int(truth.sum())
    if n_abnormal in (0, len(truth)):
        raise DataError(
            f"{n_abnormal:,} of the {len(truth):,} scored records with a label are abnormal: there is nothing to rank"
        )
    auc, precision = roc_auc_score(truth, raw), average_precision_score(truth, raw)
    return Ranking(len(truth), n_abnormal, float(auc), float(precision))

"""Labels meet scores only here, after all scoring is done; a label column takes no part in any fit.

A label says of a record whether it is abnormal. Labels are read from the source beside the key, scores come from
wherever they are kept, and the two are joined by the key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from anomembed.config import Config
from anomembed.errors import ConfigError, DataError, shown
from anomembed.read.keys import check_key
from anomembed.read.roles import Roles
from anomembed.read.table import Table

IS_ABNORMAL = "is_abnormal"
PAIRS = ({"0", "1"}, {"0.0", "1.0"}, {"false", "true"})  # labels that say themselves which is abnormal
MOST_SHOWN = 6  # values in a message


@dataclass(frozen=True)
class Ranking:
    """How well scores put abnormal records first.

    Parameters
    ----------
    n_records, n_abnormal : int
        Records with a label and a score, and the abnormal among them.
    roc_auc : float
        The chance that an abnormal record scores higher than a normal one; .5 is a coin.
    average_precision : float
        Area under precision over recall; a coin gets the share of abnormal records.
    """

    n_records: int
    n_abnormal: int
    roc_auc: float
    average_precision: float


def hide_column(
    config: Config, table: Table, name: str, option: str, said: Mapping[str, Sequence[str]] | None = None
) -> Config:
    """Take a column out of everything that is learnt from.

    Parameters
    ----------
    config : Config
        Settings. Where they list the column as one of values (as `init` writes them), it is ignored instead.
    table : Table
        The open table.
    name : str
        The column.
    option : str
        The option that named it, for the message.
    said : mapping of str to sequence of str, optional
        Columns by the role that the command line gives them, of which none may be hidden.

    Returns
    -------
    Config

    Raises
    ------
    SourceError
        When there is no such column.
    ConfigError
        When it names or orders the records, says who acts, or makes sequences.
    """
    column = table.column(name).name
    taken = {**(said or {}), **{role: getattr(config.roles, role) for role in ("key", "timestamp", "entity")}}
    sequence = config.sequence
    taken |= {"sequence": [sequence.key] if sequence.key else [], "order": sequence.order, "event": sequence.event}
    for role, names in taken.items():
        if role != "ignore" and column in {table.column(other).name for other in names}:
            raise ConfigError(f"{option}: {column} is used as {role}; what is hidden from all learning cannot be")
    given = {role: getattr(config.roles, role) for role in type(config.roles).model_fields}
    fields = [other.name for other in table.columns if other.name.startswith(f"{column}.")]
    hidden = {column, *fields}
    kept = {role: tuple(n for n in some if table.column(n).name not in hidden) for role, some in given.items()}
    roles = config.roles.model_copy(update={**kept, "ignore": (*kept["ignore"], column, *fields)})
    return config.model_copy(update={"roles": roles})


def read_labels(table: Table, roles: Roles, label: str, positive: str | None, where: str | None) -> pl.DataFrame:
    """Read which records are abnormal.

    Parameters
    ----------
    table : Table
        The open table.
    roles : Roles
        They say which columns are the key.
    label : str
        The column that says it.
    positive : str or None
        Its value for abnormal records, as text; not needed when it is a Boolean or 0 and 1.
    where : str or None
        SQL condition of the records.

    Returns
    -------
    pl.DataFrame
        The key columns, and `IS_ABNORMAL`: null where the label is. Rows with the same key, as the events of a
        sequence, are one: abnormal when any of them is.

    Raises
    ------
    SourceError
        When there is no such column.
    ConfigError
        When it has other values, and none of them is said to be the abnormal one.
    DataError
        When all labels are the same, or null, or the key does not name the records.
    """
    check_key(roles, table, where)
    column = table.column(label)
    expression = f"CAST({column.expression} AS VARCHAR)"
    counts, _, _ = table.value_counts(expression, where, 10**9)
    positives = _choose_positive(column.name, counts["value"].to_list(), positive)
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
    some = ", ".join(map(shown, sorted(values)[:MOST_SHOWN])) + (", ..." if len(values) > MOST_SHOWN else "")
    if positive is None:
        pair = next((pair for pair in PAIRS if {value.casefold() for value in values} <= pair), None)
        if pair is None:
            raise ConfigError(f"{name} has the values {some}; say by --positive VALUE which one is abnormal")
        found = [value for value in values if value.casefold() == max(pair)]
    else:
        found = [positive] if positive in values else []
        if not found:
            raise ConfigError(f"no record has {name} = {shown(positive)}; it has the values {some}")
    if len(found) in (0, len(values)):
        raise DataError(f"every label in {name} is {some}: there is nothing to tell apart")
    return found


def rank(scores: pl.DataFrame, labels: pl.DataFrame) -> Ranking:
    """Hold scores against labels.

    Parameters
    ----------
    scores : pl.DataFrame
        Key columns and ``raw_score`` (high = abnormal).
    labels : pl.DataFrame
        From `read_labels`, with the same key columns.

    Returns
    -------
    Ranking
        Of the records that have both; a null label counts for neither side.

    Raises
    ------
    DataError
        When the scored records are all of one kind.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    key = [name for name in labels.columns if name != IS_ABNORMAL]
    both = scores.join(labels.drop_nulls(IS_ABNORMAL), on=key).sort(key)
    truth, raw = both[IS_ABNORMAL].to_numpy(), both["raw_score"].to_numpy()
    n_abnormal = int(truth.sum())
    if n_abnormal in (0, len(truth)):
        raise DataError(
            f"{n_abnormal:,} of the {len(truth):,} scored records with a label are abnormal: nothing to rank"
        )
    auc, precision = roc_auc_score(truth, raw), average_precision_score(truth, raw)
    return Ranking(len(truth), n_abnormal, float(auc), float(precision))

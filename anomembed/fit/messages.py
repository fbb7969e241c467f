"""Learn the templates of messages, and which of the parameters in them tell something."""

from collections.abc import Iterable

import polars as pl

from anomembed.config import TokensConfig
from anomembed.read.role_rules import MIN_RECORDS_FOR_SHARES, NEARLY_UNIQUE, is_free_text
from anomembed.read.roles import Role, Roles
from anomembed.read.table import VALUE, Table
from anomembed.represent.tokens.learning import category_tokens, count_values, template_tokens
from anomembed.represent.tokens.template_learning import MOST_SHAPES, fit_templates
from anomembed.represent.tokens.templates import Templates, count_shapes, parameter_name
from anomembed.represent.tokens.vocabulary import ColumnTokens, Special

MESSAGE = f"{VALUE}message"
MESSAGES_AT_ONCE = 131_072  # messages read at once
MOST_KEPT = 4 * MOST_SHAPES  # distinct masked lines kept while more are read


def learn_messages(
    name: str,
    messages: pl.Series,
    settings: TokensConfig,
    *,
    counts: pl.DataFrame | None = None,
    n_missing: int | None = None,
) -> list[ColumnTokens]:
    """Make the tokens of a column of messages: its templates, and the parameters that tell something.

    Parameters
    ----------
    name : str
        The column.
    messages : pl.Series
        Text of the records learnt from.
    settings : TokensConfig
        How values become tokens.
    counts : pl.DataFrame, optional
        ``value`` and ``n_records`` of the shapes of all reference records, when `messages` are only some of them.
    n_missing : int, optional
        Null messages of all reference records, with `counts`.

    Returns
    -------
    list of ColumnTokens
        Templates first; empty when nearly every message has a template and parameters of its own.
    """
    is_whole = counts is None
    counted = count_shapes(messages) if counts is None else counts
    templates = fit_templates(counted)
    n_known = int(counted["n_records"].sum())
    n_other = n_known - int(templates.counts.sum())
    missing = messages.null_count() if n_missing is None else n_missing
    column = template_tokens(name, templates, n_other, missing, settings.min_count)
    columns = [column] if _tells(len(templates.labels), n_known) else []
    return columns + _learn_parameters(name, messages, templates, settings, is_whole=is_whole) if columns else []


def _learn_parameters(
    name: str, messages: pl.Series, templates: Templates, settings: TokensConfig, *, is_whole: bool
) -> list[ColumnTokens]:
    columns = []
    for values in templates.parse(messages)[1]:
        counted, n_other, n_missing = count_values(values, settings.max_values)
        if not _tells(counted.height, len(values) - n_missing, len(values)):
            continue
        source = parameter_name(name, values.name)
        column = category_tokens(source, counted, n_other, n_missing, settings.min_count)
        unknown = column.unknown if is_whole else Special.RARE  # it may be among the records that were not read
        fields = {**vars(column), "name": f"{name} {values.name}", "unknown": unknown}
        columns.append(ColumnTokens(**fields))
    return columns


def _tells(n_distinct: int, n_known: int, n_records: int | None = None) -> bool:
    """Whether a column says something about other records, by the rules that all columns are chosen by."""
    is_small = (n_known if n_records is None else n_records) < MIN_RECORDS_FOR_SHARES
    return n_distinct > 1 and (is_small or n_distinct <= NEARLY_UNIQUE * n_known)


def event_tokens(name: str, events: pl.Series, settings: TokensConfig, *, is_told: bool) -> ColumnTokens | None:
    """Make the tokens of events that are messages: their templates.

    Parameters
    ----------
    name : str
        What the events are called.
    events : pl.Series
        Text of the events learnt from.
    settings : TokensConfig
        How values become tokens.
    is_told : bool
        The user says that they are messages.

    Returns
    -------
    ColumnTokens or None
        None when they are names of events as they are: not text, or text with hardly fewer templates than values.
    """
    known = events.drop_nulls()
    n_distinct = known.n_unique()
    length, spaces = (known.str.len_chars().mean(), known.str.count_matches(" ", literal=True).mean())
    if not (is_told or is_free_text(n_distinct, len(known), float(length or 0), float(spaces or 0))):  # type: ignore[arg-type]
        return None
    counts = count_shapes(known)
    templates = fit_templates(counts)
    if not is_told and 2 * len(templates.labels) > n_distinct:
        return None
    n_other = len(known) - int(templates.counts.sum())
    return template_tokens(name, templates, n_other, events.null_count(), settings.min_count)


def count_messages(table: Table, expression: str, roles: Roles, where: str | None) -> tuple[pl.DataFrame, int]:
    """Count the shapes of a column of messages over all records, in constant memory.

    Parameters
    ----------
    table : Table
        The open table.
    expression : str
        SQL of the message, as text.
    roles : Roles
        Of the table.
    where : str or None
        SQL condition.

    Returns
    -------
    counts : pl.DataFrame
        ``value`` and ``n_records``; of more than `MOST_KEPT` shapes the most frequent ones.
    n_missing : int
        Records where the message is null.
    """
    key = [table.column(column.name) for column in roles.key]
    n_missing, kept = 0, count_shapes(pl.Series([], dtype=pl.String))
    for frame in table.batches({MESSAGE: expression}, key, where, MESSAGES_AT_ONCE):
        messages = frame[MESSAGE]
        n_missing += messages.null_count()
        kept = _add(kept, count_shapes(messages))
        if kept.height > MOST_KEPT:
            kept = kept.sort("n_records", "value", descending=[True, False]).head(MOST_KEPT)
    return kept, n_missing


def take_off(counts: pl.DataFrame, messages: pl.Series) -> pl.DataFrame:
    """Take some messages, such as those held out, off the counts of shapes."""
    return _add(counts, count_shapes(messages).with_columns(-pl.col("n_records"))).filter(pl.col("n_records") > 0)


def _add(counts: pl.DataFrame, more: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([counts, more]).group_by("value").agg(pl.col("n_records").sum())


def text_notes(roles: Roles, names: Iterable[str]) -> list[str]:
    """Say which columns of messages are not judged, given the names of the token columns."""
    known = set(names)
    return [
        f"{column.name}: nearly every message is unlike all others, or all are alike; not judged"
        for column in roles.of(Role.TEXT)
        if column.name not in known
    ]

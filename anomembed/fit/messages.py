"""Learn the templates of messages, and select their informative parameters."""

from collections.abc import Collection, Iterable
from dataclasses import replace

import polars as pl

from anomembed.config import TokensConfig
from anomembed.read.roles.assigned import Roles
from anomembed.read.roles.role import Content
from anomembed.read.roles.rules import MIN_RECORDS_FOR_SHARES, NEARLY_UNIQUE, is_free_text
from anomembed.read.table import VALUE, Table
from anomembed.represent.tokens.characters import learn_characters
from anomembed.represent.tokens.learning import category_tokens, template_tokens
from anomembed.represent.tokens.template_learning import MOST_SHAPES, find_versions, fit_templates
from anomembed.represent.tokens.templates import Templates, count_shapes, parameter_name
from anomembed.represent.tokens.value_counts import count_values
from anomembed.represent.tokens.vocabulary import ColumnTokens, Special

MESSAGE = f"{VALUE}message"
MESSAGES_AT_ONCE = 131_072  # messages per batch
MOST_KEPT = 4 * MOST_SHAPES  # shapes (distinct masked lines) held between batches


def learn_messages(
    name: str,
    messages: pl.Series,
    settings: TokensConfig,
    *,
    counts: pl.DataFrame | None = None,
    n_missing: int | None = None,
    taken: Collection[str] = (),
) -> list[ColumnTokens]:
    """Make the tokens of a column of messages: its templates, and its informative parameters.

    Parameters
    ----------
    name : str
        Name of the column.
    messages : pl.Series
        Messages of the records to fit to; null where missing.
    settings : TokensConfig
        How values become tokens.
    counts : pl.DataFrame, optional
        ``value`` and ``n_records`` of the shapes in all reference records, when `messages` is a sample.
    n_missing : int, optional
        Null messages in all reference records; given with `counts`.
    taken : collection of str
        Names of the table's columns; a parameter that is one of them already is not learnt a second time.

    Returns
    -------
    list of ColumnTokens
        Templates first; empty when nearly every message has its own, or all have the same and no parameter informs.
    """
    is_whole = counts is None
    counted = count_shapes(messages) if counts is None else counts
    templates = find_versions(fit_templates(counted), messages)
    n_known = int(counted["n_records"].sum())
    is_same = len(templates.labels) == 1
    if not is_same and not _is_informative(len(templates.labels), n_known):
        return []
    n_other = n_known - int(templates.counts.sum())
    missing = messages.null_count() if n_missing is None else n_missing
    column = template_tokens(name, templates, n_other, missing, settings.min_count)
    column = replace(column, characters=learn_characters(messages))
    found = _fit_parameters(name, messages, templates, settings, is_whole=is_whole)
    parameters = [parameter for parameter in found if parameter.name not in taken]
    return [] if is_same and not found else [column, *parameters]


def _fit_parameters(
    name: str, messages: pl.Series, templates: Templates, settings: TokensConfig, *, is_whole: bool
) -> list[ColumnTokens]:
    columns = []
    for values in templates.parse(messages)[1]:
        counted = count_values(values).cut(settings.max_values)
        if not _is_informative(counted.counts.height, len(values) - counted.n_missing, len(values)):
            continue
        source = parameter_name(name, values.name)
        column = category_tokens(source, counted, settings.min_count)
        unknown = column.unknown if is_whole else Special.RARE  # may occur in records outside the sample
        columns.append(replace(column, name=f"{name} {values.name}", unknown=unknown))
    return columns


def _is_informative(n_distinct: int, n_known: int, n_records: int | None = None) -> bool:
    """Return whether values vary and repeat, by the thresholds that roles are inferred with."""
    is_small = (n_known if n_records is None else n_records) < MIN_RECORDS_FOR_SHARES
    return n_distinct > 1 and (is_small or n_distinct <= NEARLY_UNIQUE * n_known)


def event_tokens(name: str, events: pl.Series, settings: TokensConfig, *, is_text: bool) -> ColumnTokens | None:
    """Make the tokens of events that are messages: their templates.

    Parameters
    ----------
    name : str
        Name of the column of events.
    events : pl.Series
        Events to fit to, as text; null where missing.
    settings : TokensConfig
        How values become tokens.
    is_text : bool
        Whether the user gave the events the role text; otherwise it is inferred.

    Returns
    -------
    ColumnTokens or None
        None when the events are categories: not free text, or with more than half as many templates as values.
    """
    known = events.drop_nulls()
    n_distinct = known.n_unique()
    length, spaces = known.str.len_chars().mean(), known.str.count_matches(" ", literal=True).mean()
    if not (is_text or is_free_text(n_distinct, len(known), float(length or 0), float(spaces or 0))):  # type: ignore[arg-type]
        return None
    counts = count_shapes(known)
    templates = fit_templates(counts)
    if not is_text and 2 * len(templates.labels) > n_distinct:
        return None
    n_other = len(known) - int(templates.counts.sum())
    return template_tokens(name, templates, n_other, events.null_count(), settings.min_count)


def count_messages(table: Table, expression: str, roles: Roles, where: str | None) -> tuple[pl.DataFrame, int]:
    """Count the shapes of a column of messages over all records, in constant memory.

    Parameters
    ----------
    table : Table
        An open table.
    expression : str
        SQL of the message, as text.
    roles : Roles
        Roles of its columns.
    where : str or None
        SQL condition of the records.

    Returns
    -------
    counts : pl.DataFrame
        ``value`` and ``n_records`` of at most `MOST_KEPT` shapes, approximately the most frequent: a shape that is rare
        at first loses its earlier counts when there are more.
    n_missing : int
        Records whose message is null.
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


def subtract_messages(counts: pl.DataFrame, messages: pl.Series) -> pl.DataFrame:
    """Subtract some messages, such as those held out, from the counts of shapes."""
    return _add(counts, count_shapes(messages).with_columns(-pl.col("n_records"))).filter(pl.col("n_records") > 0)


def _add(counts: pl.DataFrame, more: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([counts, more]).group_by("value").agg(pl.col("n_records").sum())


def text_notes(roles: Roles, names: Iterable[str]) -> list[str]:
    """Return a note for every column of messages that is not among the token columns."""
    known = set(names)
    return [
        f"{column.name} is not used: nearly every message is unique, or all are the same"
        for column in roles.holding(Content.MESSAGE)
        if column.name not in known
    ]

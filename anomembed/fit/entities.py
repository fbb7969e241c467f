"""Sum up entities: their numbers, values and pace, and the events of their past.

Sums cover all reference records in the source, not only those the model is fitted to, because a single entity has few.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from anomembed.config import Config
from anomembed.errors import ConfigError
from anomembed.fit.messages import event_tokens
from anomembed.read.bursts import plan_bursts
from anomembed.read.derived import Derived
from anomembed.read.history import EVENT, History, plan_history
from anomembed.read.roles.assigned import Roles
from anomembed.read.roles.role import Content, Role
from anomembed.read.roles.suggestion import find_event_time
from anomembed.read.table import Table
from anomembed.read.twins import plan_twins
from anomembed.represent.arrays import Floats
from anomembed.represent.entities import Entities, Habits, Profiles, Waits, smooth_hours
from anomembed.represent.past import Past
from anomembed.represent.tokens.learning import category_tokens
from anomembed.represent.tokens.value_counts import count_values
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, ColumnTokens, Special, Vocabulary


def plan_past(table: Table, roles: Roles, config: Config) -> History | None:
    """Choose the columns of what each record's entity did before it.

    Parameters
    ----------
    table : Table
        An open table.
    roles : Roles
        Roles of its columns.
    config : Config
        Settings; `config.sequence.event` may name the event.

    Returns
    -------
    History or None
        None without an entity and a time.

    Raises
    ------
    ConfigError
        When events are named without a time.
    """
    entities, time, event = roles.of(Role.ENTITY), event_time(table, roles, config), config.sequence.event
    if event and time is None:
        raise ConfigError("events need a time: use --time, or roles.timestamp")
    if not entities or time is None:
        return None
    entity = table.column(config.roles.entity[0]).name if config.roles.entity else entities[0].name
    return plan_history(table, roles, entity, time, event)


def event_time(table: Table, roles: Roles, config: Config) -> str | None:
    """Return the time that says when records were, the first that the user names, else `find_event_time`."""
    named = config.roles.timestamp
    return table.column(named[0]).name if named else find_event_time(table, roles)


def find_derived(table: Table, roles: Roles, config: Config) -> Derived:
    """Choose the columns by which records are compared with others of the table.

    Parameters
    ----------
    table : Table
        An open table.
    roles : Roles
        Of its columns.
    config : Config
        Settings; `config.roles` may name the entity and the time.
    """
    named, time = config.roles.entity, event_time(table, roles, config)
    entity = table.column(named[0]).name if named else None
    return Derived(plan_twins(table, roles, entity, time), plan_bursts(table, roles, entity, time))


def note_event(history: History | None, config: Config) -> list[str]:
    """Return a note on which events are compared with the previous ones of their entity."""
    if history is None or not history.event:
        return []
    event = " and ".join(history.event)
    note = f"each {event} is compared with the previous ones of the same {history.entity}"
    if config.sequence.event:
        return [note]
    return [f"{note}, because their order is informative; to follow another column, use --event"]


def note_single(roles: Roles, vocabulary: Vocabulary) -> list[str]:
    """Return a note for every entity column whose entities have one record each."""
    names = [column.name for column in roles.of(Role.ENTITY)]
    single = [c.name for c in vocabulary.columns if c.name in names and c.counts[FIRST_VALUE:].max(initial=0) == 1]
    return [f"each {name} has one record: there is no past to compare it with" for name in single]


def fit_past(history: History, reference: pl.DataFrame, config: Config) -> Past[History]:
    """Make the tokens of past events.

    Parameters
    ----------
    history : History
        From `plan_past`.
    reference : pl.DataFrame
        Reference records with the derived columns.
    config : Config
        Settings of tokens and roles.
    """
    if not history.event:
        return Past(history, None)
    is_text = any(name in config.roles.text for name in history.event)
    templates = event_tokens(EVENT, reference[EVENT], config.tokens, is_text=is_text)
    if templates is not None:
        return Past(history, templates)
    counted = count_values(reference[EVENT]).cut(config.tokens.max_values)
    return Past(history, category_tokens(EVENT, counted, config.tokens.min_count))


@dataclass(frozen=True)
class _Sums:
    """Aggregates the reference records of a table by entity.

    Parameters
    ----------
    table : Table
        An open table.
    roles : Roles
        Roles of its columns.
    vocabulary : Vocabulary
        Tokens of the reference.
    where : str or None
        SQL condition of the reference.
    """

    table: Table
    roles: Roles
    vocabulary: Vocabulary
    where: str | None

    def entities(self) -> list[tuple[int, str]]:
        """Return the token column and the SQL of every column with the role entity."""
        select, names = self.roles.select(), self.vocabulary.names
        columns = (column.name for column in self.roles.of(Role.ENTITY))
        return [(names.index(name), select[name]) for name in columns if name in names]

    def profiles(self, numbers: Sequence[str]) -> list[Profiles]:
        """Return the moments of numbers, given as SQL, per entity."""
        profiles = []
        for column, entity in self.entities():
            moments = self.table.moments(entity, numbers, self.where)
            code, is_known = self._codes(column, moments["entity"])
            shape = (len(self.vocabulary.columns[column].labels), len(numbers))
            sums = {name: np.zeros(shape) for name in ("times", "mean", "squares")}
            for name, array in sums.items():
                for number in range(len(numbers)):
                    array[code[is_known], number] = moments[f"{name}_{number}"].to_numpy()[is_known]
            profiles.append(Profiles(column, int(self.vocabulary.offsets[column]), **sums))
        return profiles

    def waits(self, column: int, seconds: str, times: Floats) -> Waits:
        """Return the two longest waits per entity of a column, which are SQL, of which there are so many."""
        entity = dict(self.entities())[column]
        found = self.table.two_largest(entity, seconds, self.where)
        code, is_known = self._codes(column, found["entity"])
        longest = {name: np.zeros(len(times)) for name in ("first", "second")}
        for name, array in longest.items():
            array[code[is_known]] = found[name].fill_null(0).to_numpy()[is_known]
        return Waits(column, int(self.vocabulary.offsets[column]), times, longest["first"], longest["second"])

    def habits(self, time: str | None) -> list[Habits]:
        """Return the value counts per entity, and its first and last `time`, which is SQL."""
        return [self._habits(column, entity, time) for column, entity in self.entities()]

    def _habits(self, column: int, entity: str, time: str | None) -> Habits:
        offsets = self.vocabulary.offsets
        n_entities = len(self.vocabulary.columns[column].labels)
        parts = []
        for index, tokens in enumerate(self.vocabulary.columns):
            low, high = int(offsets[index]), int(offsets[index + 1])
            if index == column or not tokens.is_habitual:
                parts.append(sparse.csr_array((n_entities, high - low)))
            else:
                parts.append(self._count_tokens(column, entity, tokens))
        times = np.zeros(n_entities)
        since, until = np.full(n_entities, np.nan), np.full(n_entities, np.nan)
        moments = self.table.moments(entity, (), self.where)
        code, is_known = self._codes(column, moments["entity"])
        times[code[is_known]] = moments["n_records"].to_numpy()[is_known]
        if time:
            spans = self.table.spans(entity, time, self.where)
            code, is_known = self._codes(column, spans["entity"])
            for moment, name in ((since, "since"), (until, "until")):
                moment[code[is_known]] = spans[name].cast(pl.Float64).to_numpy()[is_known]
        together = sparse.csr_array(sparse.hstack(parts, format="csr"))
        together.sort_indices()
        return Habits(column, int(offsets[column]), times, together, since, until)

    def _count_tokens(self, column: int, entity: str, tokens: ColumnTokens) -> sparse.csr_array:
        """Count the records of each entity with each token of a column, shape (n_entities, n_tokens of the column)."""
        traits = tokens.kind.traits
        value = traits.sql.format(self.roles.select()[tokens.source])
        counts = self.table.value_counts_of(entity, value, self.where)
        code, is_known = self._codes(column, counts["entity"])
        if traits.is_coded_in_sql:
            token = (counts["value"].cast(pl.Int64) + FIRST_VALUE).fill_null(int(Special.MISSING)).to_numpy()
        else:
            token = tokens.encode(counts.select(pl.col("value").alias(tokens.source)))
        shape = (len(self.vocabulary.columns[column].labels), len(tokens.labels))
        records = counts["n_records"].to_numpy().astype(np.float64)
        counted = sparse.csr_array((records[is_known], (code[is_known], token[is_known])), shape=shape)
        if not traits.is_circular:
            return counted
        dense = counted.toarray()
        dense[:, FIRST_VALUE:] = smooth_hours(dense[:, FIRST_VALUE:])
        return sparse.csr_array(dense)

    def _codes(self, column: int, entities: pl.Series) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Return each entity's token as a position in its column, and whether no other entity shares the token."""
        tokens = self.vocabulary.columns[column]
        code = tokens.encode(pl.DataFrame({tokens.source: entities}))
        return code, code >= FIRST_VALUE


def sum_entities(
    table: Table, roles: Roles, vocabulary: Vocabulary, past: Past[History] | None, where: str | None
) -> Entities:
    """Sum up every entity over the reference.

    Parameters
    ----------
    table : Table
        An open table, with the derived columns when there is a past.
    roles : Roles
        Roles of its columns.
    vocabulary : Vocabulary
        Tokens of the reference.
    past : Past or None
        From `fit_past`.
    where : str or None
        SQL condition of the reference.

    Returns
    -------
    Entities
        Empty when no column has the role entity.
    """
    sums = _Sums(table, roles, vocabulary, where)
    columns = tuple(column for column, _ in sums.entities())
    if not columns:
        return Entities(past=past)
    select = roles.select()
    numbers = [select[column.name] for column in roles.holding(Content.NUMBER)]
    followed, paces, amounts, waits = None, [], [], None
    if past:
        followed = next((column for column in columns if vocabulary.names[column] == past.history.entity), None)
        derived = past.history.select()
        roots = [derived[name] for name in past.history.paces]
        plain = [f"CAST({root} AS DOUBLE) * abs({root})" for root in roots]
        both = sums.profiles([*roots, *plain])
        paces, amounts = ([part.some(half) for part in both] for half in (slice(len(roots)), slice(len(roots), None)))
        of_followed = [profiles for profiles in amounts if profiles.column == followed]
        waits = sums.waits(of_followed[0].column, plain[-1], of_followed[0].times[:, -1]) if of_followed else None
    return Entities(
        columns=columns,
        profiles=tuple(sums.profiles(numbers)) if numbers else (),
        habits=tuple(sums.habits(select[past.history.time] if past else None)),
        past=past,
        followed=followed,
        paces=tuple(profiles for profiles in paces if profiles.column == followed),
        amounts=tuple(profiles for profiles in amounts if profiles.column == followed),
        waits=waits,
    )

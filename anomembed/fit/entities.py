"""Learn what is normal for every entity: its numbers, its values, what it does after what, and how fast.

Profiles and habits are summed up over all reference records in the source, not only over those learnt from: an entity
has few records of its own.
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
from anomembed.read.history import EVENT, History, derive_history, plan_history
from anomembed.read.roles import Role, Roles
from anomembed.read.table import Table
from anomembed.represent.batch import Batch
from anomembed.represent.past import Past
from anomembed.represent.sequences import count_steps
from anomembed.represent.tokens.learning import category_tokens, count_values
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, ColumnTokens, Kind, Special, Vocabulary
from anomembed.views.base import View
from anomembed.views.entity import Profiles, fit_entity_view
from anomembed.views.habit import Habits, fit_habit_view, is_habitual, smooth_hours
from anomembed.views.order import StepView
from anomembed.views.record import RecordView

DAY_OF_WEEK = "isodow({}) - 1"
CODES = {Kind.HOUR: "hour({})", Kind.WEEKDAY: DAY_OF_WEEK}


def derive_past(table: Table, roles: Roles, config: Config) -> History | None:
    """Add what each record's entity did before it to the table; None without an entity and a time.

    Parameters
    ----------
    table : Table
        An open table.
    roles : Roles
        Of its columns.
    config : Config
        Settings; `config.sequence.event` may name the event.

    Raises
    ------
    ConfigError
        When events are named, but there is no time.
    """
    entities, times = roles.of(Role.ENTITY), roles.of(Role.TIMESTAMP)
    event = config.sequence.event
    if event and not times:
        raise ConfigError("say when the events happened: --time, or roles.timestamp")
    if not entities or not times:
        return None
    entity, time = (
        table.column(told[0]).name if told else found[0].name
        for told, found in ((config.roles.entity, entities), (config.roles.timestamp, times))
    )
    history = plan_history(table, roles, entity, time, event)
    derive_history(table, roles, history)
    return history


def note_event(history: History | None, config: Config) -> list[str]:
    """Say whose order is followed, and of which event."""
    if history is None or not history.event:
        return []
    followed = f"is judged after those of its {history.entity} before it"
    if config.sequence.event:
        return [f"each {' and '.join(history.event)} {followed}"]
    return [f"the order of {history.event[0]} tells most: each {followed}"]


def note_single(roles: Roles, vocabulary: Vocabulary) -> list[str]:
    """Say which entities have no past, because each of them has one record."""
    names = [column.name for column in roles.of(Role.ENTITY)]
    single = [c.name for c in vocabulary.columns if c.name in names and c.counts[FIRST_VALUE:].max(initial=0) == 1]
    return [f"each {name} has one record: nothing is usual for it, and it comes after nothing" for name in single]


def fit_past(history: History, reference: pl.DataFrame, config: Config) -> Past[History]:
    """Learn the events from reference records that have the derived columns."""
    if not history.event:
        return Past(history, None)
    is_told = any(name in config.roles.text for name in history.event)
    templates = event_tokens(EVENT, reference[EVENT], config.tokens, is_told=is_told)
    if templates is not None:
        return Past(history, templates)
    counted = count_values(reference[EVENT], config.tokens.max_values)
    return Past(history, category_tokens(EVENT, *counted, config.tokens.min_count))


@dataclass(frozen=True)
class Sources:
    """Where entities are summed up.

    Parameters
    ----------
    table : Table
        The open table.
    roles : Roles
        Of its columns.
    vocabulary : Vocabulary
        The tokens.
    where : str or None
        SQL condition of the reference.
    """

    table: Table
    roles: Roles
    vocabulary: Vocabulary
    where: str | None

    def entities(self) -> list[tuple[int, str]]:
        """Return the token column and the SQL of every column that names an entity."""
        select, names = self.roles.select(), self.vocabulary.names
        columns = (column.name for column in self.roles.of(Role.ENTITY))
        return [(names.index(name), select[name]) for name in columns if name in names]

    def profiles(self, numbers: Sequence[str]) -> list[Profiles]:
        """Sum up the numbers, given as SQL, of every entity."""
        found = []
        for column, entity in self.entities():
            moments = self.table.moments(entity, numbers, self.where)
            code, is_known = self._codes(column, moments["entity"])
            shape = (len(self.vocabulary.columns[column].labels), len(numbers))
            sums = {name: np.zeros(shape) for name in ("times", "mean", "squares")}
            for name, array in sums.items():
                for place in range(len(numbers)):
                    array[code[is_known], place] = moments[f"{name}_{place}"].to_numpy()[is_known]
            found.append(Profiles(column, int(self.vocabulary.offsets[column]), **sums))
        return found

    def habits(self, time: str | None) -> list[Habits]:
        """Count the values of every entity; `time` is SQL."""
        return [self._habits(column, entity, time) for column, entity in self.entities()]

    def _habits(self, column: int, entity: str, time: str | None) -> Habits:
        offsets = self.vocabulary.offsets
        n_entities = len(self.vocabulary.columns[column].labels)
        parts = []
        for place, tokens in enumerate(self.vocabulary.columns):
            low, high = int(offsets[place]), int(offsets[place + 1])
            if place == column or not is_habitual(tokens):
                parts.append(sparse.csr_array((n_entities, high - low)))
            else:
                parts.append(self._together(column, entity, tokens))
        times, span = np.zeros(n_entities), np.full(n_entities, np.nan)
        moments = self.table.moments(entity, (), self.where)
        code, is_known = self._codes(column, moments["entity"])
        times[code[is_known]] = moments["n_records"].to_numpy()[is_known]
        if time:
            spans = self.table.spans(entity, time, self.where)
            code, is_known = self._codes(column, spans["entity"])
            span[code[is_known]] = spans["seconds"].cast(pl.Float64).to_numpy()[is_known]
        together = sparse.csr_array(sparse.hstack(parts, format="csr"))
        together.sort_indices()
        return Habits(column, int(offsets[column]), times, together, span)

    def _together(self, column: int, entity: str, tokens: ColumnTokens) -> sparse.csr_array:
        """Count the records of entities with the tokens of a column, shape (n_entities, n_tokens of the column)."""
        value = CODES.get(tokens.kind, "{}").format(self.roles.select()[tokens.source])
        counts = self.table.value_counts_of(entity, value, self.where)
        code, is_known = self._codes(column, counts["entity"])
        if tokens.kind in CODES:
            token = (counts["value"].cast(pl.Int64) + FIRST_VALUE).fill_null(int(Special.MISSING)).to_numpy()
        else:
            token = tokens.encode(counts.select(pl.col("value").alias(tokens.source)))
        shape = (len(self.vocabulary.columns[column].labels), len(tokens.labels))
        records = counts["n_records"].to_numpy().astype(np.float64)
        found = sparse.csr_array((records[is_known], (code[is_known], token[is_known])), shape=shape)
        if tokens.kind is not Kind.HOUR:
            return found
        dense = found.toarray()
        dense[:, FIRST_VALUE:] = smooth_hours(dense[:, FIRST_VALUE:])
        return sparse.csr_array(dense)

    def _codes(self, column: int, entities: pl.Series) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Return the token of entities within their column, and whether each has one of its own."""
        tokens = self.vocabulary.columns[column]
        code = tokens.encode(pl.DataFrame({tokens.source: entities}))
        return code, code >= FIRST_VALUE


def fit_entity_views(
    sources: Sources, past: Past[History] | None, record: RecordView, learnt: Batch, *, is_own: bool
) -> list[View]:
    """Learn the views of a record that look at its entity.

    Parameters
    ----------
    sources : Sources
        What to sum up.
    past : Past or None
        Reads what was before the records.
    record : RecordView
        Pools embeddings.
    learnt : Batch
        Reference records.
    is_own : bool
        Whether the records to be judged are exactly those of `learnt`.

    Returns
    -------
    list of View
        For records that the profiles were made from; no view without an entity.
    """
    entities = sources.entities()
    if not entities:
        return []
    select, vocabulary = sources.roles.select(), sources.vocabulary
    numbers = [column.name for column in sources.roles.of(Role.NUMBER)]
    views: list[View] = []
    if numbers:
        columns = np.array([vocabulary.names.index(name) for name in numbers], np.int64)
        profiles = sources.profiles([select[name] for name in numbers])
        views.append(fit_entity_view(profiles, "numbers", columns, learnt, "entity"))
    time = select[past.history.time] if past else None
    views.append(fit_habit_view(sources.habits(time), vocabulary, record, learnt))
    whose = next((column for column, _ in entities if past and vocabulary.names[column] == past.history.entity), None)
    if past is None or whose is None:
        return views
    derived = past.history.select()
    paces = [derived[name] for name in past.history.paces]
    profiles = [one for one in sources.profiles(paces) if one.column == whose]
    views.append(fit_entity_view(profiles, "paces", np.full(len(paces), whose, np.int64), learnt, "pace"))
    if past.events and learnt.steps is not None:
        event = [vocabulary.names.index(name) for name in past.history.event if name in vocabulary.names]
        ngrams = count_steps(learnt.steps, past.start)
        views.append(StepView(ngrams, is_own, event[0] if event else whose))
    return views

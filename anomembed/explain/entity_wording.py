"""The reason for a flag in words when the entity of a record is what makes it unusual.

Such as ``first use of country=BR by customer=C12 (1,204 records over 2.0 years); usually: DE, FR``.
"""

from dataclasses import dataclass

import numpy as np

from anomembed.explain.wording import MOST_EXPECTED, Case, Wording, clean_text, listed
from anomembed.read.history import History
from anomembed.represent.arrays import Floats
from anomembed.represent.past import Past
from anomembed.represent.tokens.vocabulary import ColumnTokens, Special
from anomembed.views.entity import EntityView
from anomembed.views.habit import Habits, HabitView
from anomembed.views.order import StepView

LEAST_CHANCE = 0.01  # of an event that is named as expected
OFTEN = 0.2  # share of an entity's records from which on a value is not seldom there
UNITS = (("years", 365.25 * 86400), ("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1))


@dataclass(frozen=True)
class EntityWording(Wording):
    """Puts into words what is unusual for an entity, too.

    Parameters
    ----------
    vocabulary, counts, ranges, sources
        See `Wording`.
    habit : HabitView or None
        What entities use.
    past : Past or None
        Reads what was before the records.
    """

    habit: HabitView | None = None
    past: Past[History] | None = None

    def conflict(self, case: Case, column: int, other: int) -> str:
        """Say that the values of two columns hardly ever meet; of an entity, that it never used the value before."""
        place = self.habit.place_of(other) if self.habit else None
        if self.habit is None or place is None or column not in self.habit.columns:
            return super().conflict(case, column, other)
        return self.use(case, self.habit, place, column)

    def of_entity(self, case: Case, view: EntityView | HabitView | StepView) -> str:
        """Say what is unusual about a record.

        Parameters
        ----------
        case : Case
            The record.
        view : EntityView, HabitView or StepView
            The view in which it stands out.

        Returns
        -------
        str
            One line without control characters.
        """
        match view:
            case EntityView():
                return self._far(case, view)
            case HabitView():
                return self._new(case, view)
            case StepView():
                return self._after(case, view)

    def _far(self, case: Case, view: EntityView) -> str:
        """Say which number is how far from its entity's own, or from everybody's when it is farther from those."""
        number = int(view.nats(case.record)[0].argmax())
        distances = view.distances(case.record)[0, :, :, number]
        place, whose = (int(found) for found in np.unravel_index(np.abs(distances).argmax(), distances.shape))
        profiles = view.profiles[place]
        times, mean, spread = (part.reshape(-1)[number] for part in view.usual(profiles, case.record)[whose])
        entity = self.named(case, profiles.column)
        word = "low" if distances[place, whose] < 0 else "high"
        if view.of == "paces":
            name, value = self.past.names[number] if self.past else "", float(view.values(case.record)[0, number])
            usual = f"usually about {mean * abs(mean):.3g}"
            return f"{name}={value * abs(value):.4g} is unusually {word} for {entity} ({usual})"
        named, for_whom = self.named(case, int(view.columns[number])), "" if whose else f" for {entity}"
        low, high = self.ranges.among(number, profiles.column, case.tokens)
        if not whose and not low <= case.numbers[number] <= high and np.isfinite(low):
            usual = f"19 in 20 of its records lie between {low:.6g} and {high:.6g}"
        else:
            of = f"{'over all' if whose else 'over its'} {_records(times)}"
            usual = f"{mean:.4g} on average, standard deviation {spread:.3g}, {of}"
            n_own, own = (float(part[0, number]) for part in view.usual(profiles, case.record)[0][:2])
            if whose and n_own:
                usual += f"; {own:.4g} over those of {entity}"
        return f"{named} is unusually {word}{for_whom} ({usual})"

    def _new(self, case: Case, view: HabitView) -> str:
        """Say which value the entity never used before, or seldom."""
        surprises = [view.surprise_for(place, case.record)[0] for place in range(len(view.habits))]
        place, column = (int(found) for found in np.unravel_index(np.argmax(surprises), np.shape(surprises)))
        if surprises[place][column] > 0:
            return self.use(case, view, place, column)
        habits = view.habits[place]
        entity = int(case.tokens[habits.column]) - habits.first
        whose = self.named(case, habits.column)
        known = f"{_records(habits.times[entity])}{_over(habits.span[entity])}"
        return f"nothing in it is new for {whose}, but all together is unusual ({known})"

    def use(self, case: Case, view: HabitView, place: int, column: int) -> str:
        """Say how often an entity used a value before.

        Parameters
        ----------
        case : Case
            The record.
        view : HabitView
            What entities use.
        place : int
            Place of the entity's habits in it.
        column : int
            Token column of the value.
        """
        habits, token = view.habits[place], int(case.tokens[column])
        entity = int(case.tokens[habits.column]) - habits.first
        value, whose = self.named(case, column), self.named(case, habits.column)
        times, seen = int(habits.times[entity]), round(float(habits.together[[entity]].toarray()[0, token]))
        instead = self._favourites(habits, entity, column, token)
        if self.vocabulary.special(token) is Special.UNSEEN:
            return f"{value} was never seen in the reference{instead}"
        if seen - view.is_own <= 0:
            use = "the only use" if view.is_own else "first use"
            return f"{use} of {value} by {whose} ({_records(times)}{_over(habits.span[entity])}){instead}"
        often = f"{seen:,} of its {_records(times)}; {view.share[token]:.2%} of all records have it"
        word = "seldom" if seen < OFTEN * times else "unusual"  # of an entity with two records, one is not seldom
        return f"{value} is {word} with {whose} ({often}){instead}"

    def _favourites(self, habits: Habits, entity: int, column: int, token: int) -> str:
        """Name the values that the entity uses most, but for `token`."""
        low, high = (int(end) for end in self.vocabulary.offsets[column : column + 2])
        times = habits.together[[entity]].toarray()[0, low:high]
        if low <= token < high:
            times[token - low] = 0
        most = [token for token in np.argsort(-times, kind="stable")[:MOST_EXPECTED] if times[token] >= 1]
        labels = self.vocabulary.columns[column].labels
        return f"; usually: {listed([labels[token] for token in most])}" if most else ""

    def _after(self, case: Case, view: StepView) -> str:
        """Say after what the event stands, and what was expected there."""
        past, steps = self.past, case.record.steps
        if past is None or past.events is None or steps is None:
            raise TypeError("a view of events without the events")
        labels = (*past.events.labels, "(start)", "(end)")
        event, *before = steps[0].tolist()
        known = [token for token in before if token != past.start]
        after = f"after {clean_text(labels[known[0]])}" if known else "as the first"
        name = f"{' | '.join(past.history.event)}={clean_text(labels[event])}"
        if view.column >= 0 and event == Special.UNSEEN:
            name = self.named(case, view.column)
        whose = self.vocabulary.names.index(past.history.entity)
        expected = likely_events(view.ngrams.chances(np.array(known[::-1], np.int64)), past.events, event)
        instead = f"; expected: {listed(expected)}" if expected else ""
        return f"{name} is unusual {after} of {self.named(case, whose)}{instead}"


def likely_events(chances: Floats, tokens: ColumnTokens, seen: int) -> list[str]:
    """Name the likeliest events, but for the one that is there.

    Parameters
    ----------
    chances : ndarray of shape (n_tokens + 2,)
        Chance of every event, of the start, and of the end of a sequence.
    tokens : ColumnTokens
        The events.
    seen : int
        The event that is there.
    """
    chances = chances.copy()
    chances[[Special.RARE, Special.UNSEEN, seen]] = 0.0
    labels = (*tokens.labels, "(start)", "(end)")
    likely = np.argsort(-chances, kind="stable")[:MOST_EXPECTED]
    return [labels[token] for token in likely if chances[token] > LEAST_CHANCE]


def _records(times: float) -> str:
    return f"{times:,.0f} {'record' if times == 1 else 'records'}"


def _over(seconds: float) -> str:
    """Return a length of time in the largest unit of which there are two."""
    if not np.isfinite(seconds) or seconds < 1:
        return ""
    unit, size = next(((unit, size) for unit, size in UNITS if seconds >= 2 * size), UNITS[-1])
    return f" over {seconds / size:.3g} {unit}"

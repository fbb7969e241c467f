"""A case on standard output: for people section by section, or as JSON.

Values come from attackers: they are printed without control characters.
"""

import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from anomembed.cli.console import Teller
from anomembed.cli.printing import print_rows
from anomembed.errors import plain_text
from anomembed.explain.company import Expected
from anomembed.investigate.case import Case, Event, Habit, Part, Similar
from anomembed.score.wording import in_words, odds, tail_text
from anomembed.views.reason import clean_text
from anomembed.write.sinks import inert, plain_json

NULL = "(null)"
BAR = 20  # characters of the longest bar
LOWEST = 1e-6  # tail probability of the longest bar
MOST_PARTS = 12  # columns
MOST_OF_EVENT = 6  # columns of the events around a record
LEAST_PART = 0.05  # nats that are worth a line, but for the first columns


def print_case(case: Case, *, is_json: bool) -> None:
    """Print a case on standard output, and notes on it on standard error."""
    for note in case.notes:
        Teller(is_quiet=False).say("note", note)
    if case.other_runs:
        runs = ", ".join(map(str, case.other_runs))
        Teller(is_quiet=False).say("note", f"run {case.run_id} is shown; judged by other runs, too: {runs} (--run)")
    if is_json:
        text = plain_json(asdict(case), indent=2)
        sys.stdout.write((inert(text) if sys.stdout.isatty() else text) + "\n")
    else:
        _print_sections(case)
    sys.stdout.flush()


def _print_sections(case: Case) -> None:
    _print_verdict(case)
    _section("record", {"column": False, "value": False}, ((name, cut(value)) for name, value in case.record.items()))
    _section("views", {"view": False, "": False, "tail": True, "in words": False, "adds": True}, _views(case))
    heads = {"column": False, "value": False, "adds": True, "likely": True, "expected": False}
    _section("columns", heads, map(_part, case.parts[:MOST_PARTS]))
    _section("seldom together", {"": False, "seen": True, "by chance": True}, _pairs(case))
    _print_change(case)
    _print_similar(case)
    heads = {"key": False, "run": True, "alike": True, "tail": True, "reason": False}
    _section("earlier flags like it", heads, _earlier(case))
    if case.entity:
        _print_habits(case)
    _print_events(case)


def _print_verdict(case: Case) -> None:
    flagged = f"flagged, rank {case.rank} ({case.rule})" if case.flagged else f"not flagged ({case.rule})"
    _say(f"{case.key} of {clean_text(case.source)}: {flagged}, run {case.run_id}")
    words, tail = in_words(case.tail_probability, case.unit), tail_text(case.tail_probability)
    beyond = ", extrapolated" if case.extrapolated else ""
    _say(f"{words.capitalize()}{'' if words.startswith(tail) else f' ({tail}{beyond})'}.")
    if case.reason:
        _say(f"{case.view}: {case.reason}")


def _say(text: str) -> None:
    sys.stdout.write(plain_text(text) + "\n")


def _section(title: str, heads: Mapping[str, bool], rows: Iterable[Sequence[str | None]]) -> None:
    """Print a table under a title, nothing when it has no rows; `heads` says which columns are right-aligned."""
    found = [tuple(plain_text(NULL if cell is None else cell) for cell in row) for row in rows]
    if found:
        _say("")
        _say(title.upper())
        print_rows(heads, found)


def bar(tail: float) -> str:
    """Return a bar that is as long as a tail probability is low, on a logarithmic scale.

    Examples
    --------
    >>> len(bar(1)), len(bar(1e-3)), len(bar(1e-9))
    (0, 10, 20)
    """
    return "█" * round(BAR * min(1.0, math.log(max(tail, LOWEST)) / math.log(LOWEST)))


def _views(case: Case) -> Iterator[tuple[str, ...]]:
    for view in case.views:
        tail = view.tail_probability
        yield view.view, bar(tail), tail_text(tail), odds(tail), f"{view.contribution:+.2f}"


def cut(value: str | None) -> str:
    """Return a value on one line, of a long one both ends."""
    return NULL if value is None else clean_text(value)


def _part(part: Part) -> tuple[str, ...]:
    likely = chance(part.probability) + (f" ({part.counted_as})" if part.counted_as else "")
    return (
        cut(part.column),
        cut(part.value),
        f"{part.contribution:+.2f}",
        likely,
        ", ".join(map(_expected, part.expected)),
    )


def _expected(value: Expected) -> str:
    known = "" if value.probability is None else f" ({chance(value.probability)}, {value.n_records:,} records)"
    return clean_text(value.value) + known


def chance(probability: float | None) -> str:
    """Return a probability as a percentage with the digits that it needs."""
    return "" if probability is None else f"{100 * probability:.2g} %" if probability < 0.995 else "100 %"


def _pairs(case: Case) -> Iterator[tuple[str, ...]]:
    for pair in case.pairs:
        names = f"{cut(pair.column)}={cut(pair.value)} with {cut(pair.other_column)}={cut(pair.other_value)}"
        yield names, f"{pair.seen:,.0f}", f"{pair.chance:,.1f}"


def _print_change(case: Case) -> None:
    change = case.change
    if change is None:
        return
    edits = zip(change.columns, change.values, change.instead, strict=True)
    said = " and ".join(f"{cut(name)}={cut(after)} instead of {cut(before)}" for name, before, after in edits)
    words = f"{in_words(change.tail_probability, case.unit)}, by its score"
    kept = f" (not tried: {', '.join(map(cut, change.kept))})" if change.kept else ""
    tried = f"No change of two columns{kept}" if case.unit == "records" else "To leave out one event"
    short = f"{tried} is {'not ' * (case.unit != 'records')}enough. Nearest: "
    _say("")
    _say("SMALLEST CHANGE")
    _say(f"{'Normal with ' if change.is_enough else short}{said}: {words}.")


def _print_similar(case: Case) -> None:
    """Print the nearest normal records beside the record; what differs is marked."""
    if not case.normal:
        return
    names = list(case.normal[0].values)
    heads = {"": False, "this record": False, **{f"{one.key}": False for one in case.normal}}
    rows = [(name, cut(case.record.get(name)), *(_beside(one, name) for one in case.normal)) for name in names]
    tails = ("tail", tail_text(case.tail_probability), *(_tail(one.tail_probability) for one in case.normal))
    _section("nearest normal records (* differs)", heads, [*rows, tails])


def _beside(one: Similar, name: str) -> str:
    return f"{'*' if name in one.differs else ' '} {cut(one.values[name])}"


def _tail(tail: float | None) -> str:
    return "not scored" if tail is None else tail_text(tail)


def _earlier(case: Case) -> Iterator[tuple[str, ...]]:
    for flag in case.earlier:
        yield flag.key, str(flag.run_id), f"{flag.alike:.0%}", tail_text(flag.tail_probability), flag.reason


def _print_habits(case: Case) -> None:
    heads = {"column": False, "here": False, "its other records": False}
    records = "record" if case.n_of_entity == 1 else "records"
    _section(
        f"habits of {clean_text(case.entity or '')} ({case.n_of_entity:,} other {records})",
        heads,
        map(_habit, case.habits),
    )


def _habit(habit: Habit) -> tuple[str, ...]:
    if habit.lowest is not None and habit.median is not None and habit.highest is not None:
        lowest, median, highest = map(_number, (habit.lowest, habit.median, habit.highest))
        usual = lowest if lowest == highest else f"{lowest} to {highest}, half of them below {median}"
        return cut(habit.column), cut(habit.value).removesuffix(".0"), usual
    own = () if habit.value in dict(habit.usual) else ((habit.value, habit.times),)
    usual = ", ".join(f"{cut(value)} ({times:,})" for value, times in (*habit.usual, *own))
    return cut(habit.column), cut(habit.value), usual


def _number(number: float) -> str:
    """Return a number as people write it.

    Examples
    --------
    >>> _number(15784530.0), _number(79.62), _number(856.8700000000001)
    ('15784530', '79.62', '856.87')
    """
    return f"{number:.0f}" if 1e5 <= abs(number) < 1e15 else f"{number:.6g}"


def _print_events(case: Case) -> None:
    if not case.events:
        return
    names, n_more = _telling(case)
    heads = {"": False, "key": False, "when": False, **dict.fromkeys(names, False), "tail": True}
    title = f"around it, by {clean_text(case.entity)} (> this record, ! flagged)" if case.entity else "its events"
    _section(title, heads, (_event(event, names) for event in case.events))
    if n_more:
        _say(f"({n_more:,} more {'column' if n_more == 1 else 'columns'}: --format json)")


def _telling(case: Case) -> tuple[list[str], int]:
    """Return the columns to show of events, and how many more there are.

    First those that add to the score of the record, then those in which events differ, in the order of the table.
    """
    names = list(case.events[0].values)
    parts = [part.column for part in case.parts if part.contribution >= LEAST_PART]
    adding = (name for part in parts for name in names if part == name or part.startswith(f"{name} "))
    differing = (name for name in names if len({event.values[name] for event in case.events}) > 1)
    shown = list(dict.fromkeys([*adding, *differing]))[:MOST_OF_EVENT]
    return shown, len(names) - len(shown)


def _event(event: Event, names: Sequence[str]) -> tuple[str | None, ...]:
    mark = (">" if event.is_own else "") + ("!" if event.flagged else "")
    tail = "" if event.tail_probability is None else _tail(event.tail_probability)
    return mark, event.key, event.time or "", *(cut(event.values[name]) for name in names), tail

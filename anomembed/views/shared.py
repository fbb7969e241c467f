"""Name the value that several records share, where a reason is about how many records do."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from anomembed.read.sharing import PREFIX
from anomembed.views.facts import Facts
from anomembed.views.reason import Among, Count, Reason, Text, Value, most_of

WORDS = {"shared": "{subject} is shared by {records} ({most}{among} {own})"}


class Held(NamedTuple):
    """A value that a record shares with others, and how many records have it, the record among them."""

    value: str
    n_records: float


def name_shared(reason: Reason, held: Mapping[str, Held], facts: Facts) -> Reason:
    """Return a reason that names the values shared in place of how many records share them.

    Parameters
    ----------
    reason : Reason
        Of a flagged record.
    held : mapping of str to Held
        What the record shares with others, by the column of how many do.
    facts : Facts
        What is known of the values of records.
    """
    subject = reason.subject
    if isinstance(subject, Value) and subject.column in held:
        shared = _shared(subject.column, held[subject.column], facts)
        if shared:
            return shared
    evidence = {name: _named(part, held) for name, part in reason.evidence.items()}
    if "values" in evidence:  # they are in words already
        evidence["values"] = ", ".join(str(part) for part in evidence.values() if isinstance(part, Value | Text))
    return replace(reason, subject=_named(subject, held), evidence=evidence)


def _shared(column: str, held: Held, facts: Facts) -> Reason | None:
    """Say that more records share a value than usual; None when it is not more than usual."""
    number = facts.number_of[facts.vocabulary.names.index(column)]
    if number < 0:
        return None
    _, most, n_counted = facts.ranges.overall[number].tolist()
    if not held.n_records > most:
        return None
    others = f"share theirs with at most {most - 1:,.0f} {'other' if most == 2 else 'others'}"
    evidence = {
        "records": Count(held.n_records),
        "most": most_of(n_counted),
        "among": Among(int(n_counted), facts.is_sampled).if_sample("of"),
        "own": "have their own" if most <= 1 else others,
    }
    return Reason("shared", Value(column[len(PREFIX) :], held.value), evidence)


def _named(part: Any, held: Mapping[str, Held]) -> Any:  # noqa: ANN401
    """Return a value shared in place of how many records share it; all else as it is."""
    if not isinstance(part, Value) or part.column not in held:
        return part
    shared = held[part.column]
    return Value(part.column[len(PREFIX) :], shared.value, f"shared by {Count(shared.n_records)}")

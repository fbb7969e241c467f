"""Flags that have the same reason are one finding: the view, what kind of reason, the columns, and their values.

Of a number only counts whether it is high or low; the key, which every record has for itself, does not count at all.
"""

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from anomembed.views.reason import Reason, Value

LENGTH = 16  # hexadecimal digits of the id of a finding


@dataclass(frozen=True)
class Group:
    """What the flags of a finding have in common.

    Parameters
    ----------
    view : str
        The view in which they stand out most.
    kind : str
        What kind of reason they have.
    columns : tuple of str
        Columns that the reason names.
    values : tuple of str
        Their values, in the same order; of a number, ``high`` or ``low``.
    """

    view: str
    kind: str
    columns: tuple[str, ...] = ()
    values: tuple[str, ...] = ()

    def finding_id(self, monitor: str) -> str:
        """Return the id of the finding of a monitor, which is the same in every run."""
        text = json.dumps([monitor, self.view, self.kind, self.columns, self.values])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]


def group_of(reason: Reason, key: Collection[str], numbers: Collection[str]) -> Group:
    """Return what a flag with this reason has in common with others of its finding.

    Parameters
    ----------
    reason : Reason
        Why it was flagged.
    key, numbers : collection of str
        Columns that name a record, and those that hold a number.
    """
    named = [
        (value.column, str(reason.evidence.get("direction", "")) if value.column in numbers else value.text)
        for value in _values(reason)
        if value.column not in key
    ]
    unique = sorted(set(named))
    return Group(reason.view, reason.kind, tuple(name for name, _ in unique), tuple(text for _, text in unique))


def _values(reason: Reason) -> Iterator[Value]:
    """Yield the values of the record that a reason is about."""
    for part in (reason.subject, *reason.evidence.values()):
        if isinstance(part, Value):
            yield part

"""Flags that have the same reason are one finding: what it says, the columns, and their values.

Of a number only counts whether it is high or low, and whose it is, where entities are named: large amounts of two
customers have nothing to do with each other. The key, which every record has for itself, does not count at all.
Nor does the view: which of several that say the same comes first may change from record to record.
"""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from anomembed.explain.findings import LENGTH, claim_of, values_of
from anomembed.views.reason import Reason


@dataclass(frozen=True)
class Group:
    """What the flags of a finding have in common.

    Parameters
    ----------
    view : str
        The view that gives their reason.
    kind : str
        What kind of reason they have.
    columns : tuple of str
        Columns that the reason names.
    values : tuple of str
        Their values, in the same order; of a number, ``high`` or ``low``; of a message, its template.
    """

    view: str
    kind: str
    columns: tuple[str, ...] = ()
    values: tuple[str, ...] = ()

    def finding_id(self, monitor: str) -> str:
        """Return the id of the finding of a monitor, which is the same in every run."""
        text = json.dumps([monitor, claim_of(self.kind), self.columns, self.values])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]


def group_of(
    reason: Reason, key: Collection[str], numbers: Collection[str], who: Iterable[tuple[str, str]] = ()
) -> Group:
    """Return what a flag with this reason has in common with others of its finding.

    Parameters
    ----------
    reason : Reason
        Why it was flagged.
    key, numbers : collection of str
        Columns that name a record, and those that hold a number.
    who : iterable of (str, str)
        Columns and values of the record's entity.
    """
    named = [
        (value.column, str(reason.evidence.get("direction", "")) if value.column in numbers else value.same)
        for value in values_of(reason)
        if value.column not in key
    ]
    if any(name in numbers for name, _ in named):
        named += who
    unique = sorted(set(named))
    return Group(reason.view, reason.kind, tuple(name for name, _ in unique), tuple(text for _, text in unique))

"""Flags with one reason are one finding."""

import json
from collections.abc import Iterator
from hashlib import sha256

from anomembed.views.reason import Reason, Value

LENGTH = 16  # hexadecimal digits of a key


def finding_key(reason: Reason) -> str:
    """Return the key of the finding that a reason belongs to: the same for the same view, columns and values.

    It depends neither on the record nor on counts, so it stays the same from run to run.

    Examples
    --------
    >>> first, again = (Reason("rare", Value("city", "Rome"), {"times": n}, "rarity") for n in (1, 2))
    >>> finding_key(first) == finding_key(again)
    True
    """
    named = sorted((value.column, value.text) for value in values_of(reason))
    return sha256(json.dumps([reason.view, named]).encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]


def values_of(reason: Reason) -> Iterator[Value]:
    """Yield the values of the record that a reason is about."""
    for part in (reason.subject, *reason.evidence.values()):
        if isinstance(part, Value):
            yield part

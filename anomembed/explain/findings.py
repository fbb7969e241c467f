"""Flags with one reason are one finding."""

import json
from collections.abc import Iterator
from hashlib import sha256

from anomembed.views.reason import Reason, Value

LENGTH = 16  # hexadecimal digits of a key
SAME_CLAIM = {"unseen": "rare", "unseen message": "rare", "uncommon": "rare"}
"""Kinds of reasons that say the same of a value as another one does, when the reference or the view is another."""


def claim_of(kind: str) -> str:
    """Return what a kind of reason says of its values, whichever view gives it, and however seldom they are."""
    return SAME_CLAIM.get(kind, kind)


def finding_key(reason: Reason) -> str:
    """Return the key of the finding that a reason belongs to: the same for the same claim, columns and values.

    It depends neither on the record nor on counts, and so stays the same from run to run; nor on which of several views
    that say the same of a record comes first.

    Examples
    --------
    >>> first, again = (Reason("rare", Value("city", "Rome"), {"times": n}, "rarity") for n in (1, 2))
    >>> finding_key(first) == finding_key(again)
    True
    """
    named = sorted((value.column, value.same) for value in values_of(reason))
    key = json.dumps([claim_of(reason.kind), named])
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]


def values_of(reason: Reason) -> Iterator[Value]:
    """Yield the values of the record that a reason is about."""
    for part in (reason.subject, *reason.evidence.values()):
        if isinstance(part, Value):
            yield part

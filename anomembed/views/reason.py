"""A reason is a record of what stands out and what that is held against; it is put into words at the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any

import numpy as np

from anomembed.errors import around_placeholder, plain_text
from anomembed.represent.ranges import OUTER

UNITS = (("year", 365.25 * 86400), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
LONGEST_VALUE = 80  # characters of a value that are shown
SHOWN_END = 30  # of them those at its end, in which templates often differ
MOST_EXPECTED = 3  # values named as expected
DIGITS = 6  # of the ends of a range


@dataclass(frozen=True)
class Reason:
    """Why a record or a sequence was flagged.

    Parameters
    ----------
    kind : str
        What kind of reason; a view's `words` have a sentence for each.
    subject : Value, Text or None
        The value that it is about; None when it is about no single one.
    evidence : mapping
        What the sentence cites, by name: numbers, and `Value`, `Text`, `Count` or `Listed`.
    view : str
        The view that gives it.
    """

    kind: str
    subject: "Value | Text | None" = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    view: str = ""

    def sentence(self, words: Mapping[str, str]) -> str:
        """Return the reason in words, on one line without control characters."""
        own = self.subject.same if isinstance(self.subject, Value) else ""
        evidence = {
            name: part.beside(own) if isinstance(part, Listed) else part for name, part in self.evidence.items()
        }
        return words[self.kind].format(subject=self.subject, **evidence)


@dataclass(frozen=True)
class Value:
    """A value of a column, and the bin that was counted in its place; in words, ``amount=12 (10 to 15)``.

    Of a message that is like none of the reference, `like` is it with its address, path, numbers and the like masked.
    """

    column: str
    text: str
    bin: str = ""
    like: str = ""

    @property
    def same(self) -> str:
        """What is the same where other records have the same reason."""
        return self.like or self.text

    def __str__(self) -> str:
        named = f"{clean_text(self.column)}={clean_text(self.text)}"
        return f"{named} ({clean_text(self.bin)})" if self.bin else named


@dataclass(frozen=True)
class Text:
    """Text from the source; in words, without what a terminal would obey."""

    text: str

    def __str__(self) -> str:
        return clean_text(self.text)


@dataclass(frozen=True)
class Count:
    """A number of records; in words, ``1 record`` or ``2,000 records``."""

    n_records: float

    def __str__(self) -> str:
        return f"{self.n_records:,.0f} {'record' if self.n_records == 1 else 'records'}"


@dataclass(frozen=True)
class Among:
    """What something was counted in; in words, ``5,000 records`` or ``a sample of 200,000 records``."""

    n_records: int
    is_sample: bool = False
    unit: str = "records"

    def __str__(self) -> str:
        return f"a sample of {self.n_records:,} {self.unit}" if self.is_sample else f"{self.n_records:,} {self.unit}"

    def if_sample(self, lead: str) -> str:
        """Return what was counted in after a word such as "of", if that is a sample; else nothing."""
        return f" {lead} {self}" if self.is_sample else ""


@dataclass(frozen=True)
class Listed:
    """Values that would have been usual; in words, ``; expected: DE, FR``, or nothing when there are none.

    With the records that have each, ``; usually: DE (61), FR (1)``.
    """

    lead: str
    values: tuple[str, ...]
    times: tuple[int, ...] = ()

    def __str__(self) -> str:
        return self.beside("")

    def beside(self, own: str) -> str:
        """Return the values in words; of one that reads like another when both are cut, where it differs."""
        counts = [f" ({times:,})" for times in self.times] or [""] * len(self.values)
        cleaned = ((value, clean_text(value)) for value in self.values)
        shown = [apart_text(value, own) if text == clean_text(own) != value else text for value, text in cleaned]
        return f"; {self.lead}: {', '.join(map(str.__add__, shown, counts))}" if self.values else ""


def listed(values: Sequence[str]) -> str:
    """Name values one after the other, each in clean text."""
    return ", ".join(map(clean_text, values))


def apart_text(text: str, other: str) -> str:
    """Return a long text around the first sign that another one has not, cleaned.

    Examples
    --------
    >>> apart_text("a" * 90 + "b" + "c" * 90, "a" * 90 + "d" + "c" * 90)[28:36]
    'aaaaabcc'
    """
    at = next((at for at, signs in enumerate(zip(text, other, strict=False)) if signs[0] != signs[1]), len(other))
    begin, end = max(at - SHOWN_END, 0), at + LONGEST_VALUE - SHOWN_END
    return plain_text("..." * (begin > 0) + text[begin:end] + "..." * (end < len(text)))


def clean_text(text: str, longest: int = LONGEST_VALUE) -> str:
    r"""Return `text` on one line, and of a long one both ends; what a terminal would obey becomes a question mark.

    No placeholder of a template is cut.

    Examples
    --------
    >>> clean_text("a\x1b[31mb\nc")
    'a?[31mb?c'
    """
    if len(text) <= longest:
        return plain_text(text)
    end, begin = around_placeholder(text, longest - SHOWN_END)[0], around_placeholder(text, len(text) - SHOWN_END)[1]
    return plain_text(f"{text[:end]}...{text[begin:]}")


def plain_number(number: float) -> str:
    """Return a number with all its digits, but for what is left of rounding beyond the fifteenth.

    Examples
    --------
    >>> plain_number(1108.8500000000001), plain_number(0.1 + 0.2), plain_number(3.0), plain_number(1 / 3)
    ('1108.85', '0.3', '3', '0.3333333333333333')
    """
    number, shorter = float(number), float(f"{number:.15g}")
    near = np.isfinite(number) and len(repr(shorter)) < len(repr(number)) - 1
    return repr(shorter if near else number).removesuffix(".0")


def widened(low: float, high: float) -> tuple[float, float]:
    """Return the ends of a range, rounded to as many digits as are shown, and never inwards.

    Examples
    --------
    >>> widened(3.12, 260.51249)
    (3.12, 260.513)
    """
    down, up = (Context(prec=DIGITS, rounding=rounding) for rounding in (ROUND_FLOOR, ROUND_CEILING))
    return float(down.plus(Decimal(repr(float(low))))), float(up.plus(Decimal(repr(float(high)))))


def ends(low: float, high: float) -> dict[str, Any]:
    """Return the ends of a usual range as evidence, widened, and in words that follow "19 in 20".

    Examples
    --------
    >>> ends(3.0, 4.5)["lie"], ends(3376.0, 3376.0)["lie"]
    ('lie between 3 and 4.5', 'are 3376')
    """
    low, high = widened(low, high)
    lie = f"are {low:.6g}" if low == high else f"lie between {low:.6g} and {high:.6g}"
    return {"low": low, "high": high, "lie": lie}


def most_of(times: float) -> str:
    """Return how many of so many numbers a usual range holds, in words: with few, it reaches from least to greatest."""
    return "all" if times < 1 / OUTER else "19 in 20"


def duration(seconds: float) -> str:
    """Return a length of time in the largest unit that fits at least twice.

    Examples
    --------
    >>> duration(300.1), duration(86400), duration(1), duration(0.25)
    ('5 minutes', '24 hours', '1 second', '0.25 seconds')
    """
    unit, size = next(((unit, size) for unit, size in UNITS if seconds >= 1.98 * size), UNITS[-1])
    number = f"{seconds / size:.3g}"
    return f"{number} {unit}{'' if number == '1' else 's'}"

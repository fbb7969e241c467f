"""The rules that infer the role of a column from its type and values.

`RULES` are tried in order; the first that applies gives the role and the reason that is shown:

1. what the user specifies, then the parts of a moment that is split over columns: ignored;
2. the first column that is unique and not null, and that looks like a key: those named like one first;
3. what looks like a label: ignored, so that it cannot give away what it marks;
4. all null, constant, a map, binary or a list of anything but numbers: ignored;
5. arrays of numbers, and lists of them that have the same length throughout: vector;
6. dates and times, also those that text and numbers stand for: timestamp;
7. fractions, and text that is read as numbers: number; whole numbers: category when they are few or named like a
   code, else number;
8. text: free text when it is long and made of words, also when nearly every record has its own; identifier when
   nearly every record has its own name; else category.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from anomembed.read.column_types import DURATIONS, FRACTIONS, INTEGERS, MOMENTS, is_vector
from anomembed.read.columns import Column, Profile
from anomembed.read.roles.assigned import USER_SPECIFIED
from anomembed.read.roles.role import Role
from anomembed.read.vector_columns import Width
from anomembed.read.written.candidate import is_time_name
from anomembed.read.written.recognising import Found

FEW_INTEGERS = 8  # whole numbers with no more values than this are names rather than amounts
NEARLY_UNIQUE = 0.5  # share of distinct values above which a column says nothing about other records
OWN = "nearly every record has its own"  # the reason for which values are not compared
MIN_RECORDS_FOR_SHARES = 50  # in a smaller table most columns are nearly unique
TEXT_LENGTH, TEXT_SPACES = 30.0, 3.0  # means above which a column is free text
MESSAGE_SPACES = 2.0  # the same of a column in which nearly every record has its own

LEAST_VARIED = 0.1  # share of distinct values from which what is named like a message is one
MESSAGE_NAME = re.compile(r"(^|[_\s.\-])(log|msg|message|body)$|[a-z](Msg|Message|Body)$", re.IGNORECASE)

PROCESS_NAME = re.compile(r"(p?pid|tid|(process|thread)_?id)$", re.IGNORECASE)
CODE_NAME = re.compile(
    r"(^|[_\s.])(?i:ids?|code|key|type|kind|class|status|flag|zip|postcode|port|mcc|npi|sic|naics|hcpcs|cpt|icd|drg"
    r"|account|acct|card|iban|sku|ean|isbn|imei|msisdn|phone|asn|vlan|[sd]port|(src|dst|source|dest(ination)?)port)$"
    r"|[a-z](Id|ID|Code|Port)$"
)
COUNT_NAME = re.compile(  # how many codes, not one of them
    r"^(n|count|dist|distinct|n?unique|total|avg|average|mean|max|min|sum)[_\s.]", re.IGNORECASE
)
KEY_NAME = re.compile(
    r"(^|[_\s.\-])(?i:ids?|uid|uuid|guid|key|code|no|nr|num|number|ref|reference|serial|seq|sequence|index|idx|row|line"
    r"|record|hash)$|[a-z](Id|ID|Key|No|Nr|Ref|UUID|Number)$"
)
MEASURE_NAME = re.compile(
    r"amount|price|cost|value|total|balance|bytes|size|length|duration|count|quantity|volume|distance|score|rate|age",
    re.IGNORECASE,
)
KEY_LENGTH, MOST_KEY_SPACES = 64.0, 0.5  # means of a text key
LONG_CODE = 9  # digits of whole numbers, all of them as long, that are codes and not amounts
LEAST_HASH = 1 << 60  # that whole numbers reach on both sides of 0, when they are hashes of 64 bits
COUNTER_GAPS = 2  # values per record that a counter may skip, at most
OPAQUE = ("MAP", "UNION", "BLOB", "BIT")
NESTED = {"STRUCT": "nested; its fields are columns of their own", "JSON": "JSON; its fields stand alone"}


class Evidence(NamedTuple):
    """What is known about a column before it has a role."""

    column: Column
    profile: Profile
    given: Role | None
    """The role that the user specifies."""
    is_key: bool
    width: Width | None
    """Of the vectors in it; None when it holds none."""
    label: str | None = None
    """Why it looks like a label; None when it does not."""
    is_message: bool = False
    """Whether it is the message of lines."""
    found: Found | None = None
    """How it is written, where its type does not say."""
    left_out: str = ""
    """Why it is not used, as far as a moment that is split over columns tells."""


class Inferred(NamedTuple):
    """The role of a column, and why."""

    role: Role
    reason: str


def _given(evidence: Evidence) -> Inferred | None:
    return Inferred(evidence.given, USER_SPECIFIED) if evidence.given else None


def _left_out(evidence: Evidence) -> Inferred | None:
    return Inferred(Role.IGNORE, evidence.left_out) if evidence.left_out else None


def _key(evidence: Evidence) -> Inferred | None:
    return Inferred(Role.KEY, "unique and never null") if evidence.is_key else None


def _label(evidence: Evidence) -> Inferred | None:
    return Inferred(Role.IGNORE, evidence.label) if evidence.label else None


def _useless(evidence: Evidence) -> Inferred | None:
    """Ignore a column that nothing can be learned from."""
    column, profile, width = evidence.column, evidence.profile, evidence.width
    reason = None
    if profile.n_nulls == profile.n_records:
        reason = "every value is null"
    elif nested := next((why for kind, why in NESTED.items() if column.type.startswith(kind)), None):
        reason = nested
    elif PROCESS_NAME.match(column.name):
        reason = "the number of a process, which says nothing about what it does"
    elif column.type.startswith(OPAQUE) or (column.type.endswith("]") and not is_vector(column.type)):
        reason = f"{column.type} is neither a value nor a magnitude"
    elif profile.minimum == profile.maximum and profile.n_nulls == 0:
        reason = "the same value in every record"
    elif width and not width.n_numbers:
        reason = width.reason
    return Inferred(Role.IGNORE, reason) if reason else None


def _vector(evidence: Evidence) -> Inferred | None:
    return Inferred(Role.VECTOR, evidence.width.reason) if evidence.width else None


def _moment(evidence: Evidence) -> Inferred | None:
    kind, found = evidence.column.type, evidence.found
    if MOMENTS.match(kind):
        return Inferred(Role.TIMESTAMP, kind.lower())
    return Inferred(Role.TIMESTAMP, found.like) if found and found.role is Role.TIMESTAMP else None


def _written_number(evidence: Evidence) -> Inferred | None:
    found = evidence.found
    if not found or found.role is not Role.NUMBER or not found.written.is_read:
        return None
    if found.written.number and found.written.number.is_plain and _is_code(evidence.column.name):
        return None
    return Inferred(Role.NUMBER, found.like)


def _is_code(name: str) -> bool:
    return bool(CODE_NAME.search(name)) and not COUNT_NAME.search(name)


def _fraction(evidence: Evidence) -> Inferred | None:
    kind = evidence.column.type
    if kind in DURATIONS:
        return Inferred(Role.NUMBER, f"{kind.lower()}, in seconds")
    return Inferred(Role.NUMBER, kind.lower()) if FRACTIONS.match(kind) else None


def _whole_number(evidence: Evidence) -> Inferred | None:
    column, profile = evidence.column, evidence.profile
    if not INTEGERS.match(column.type):
        return None
    if profile.n_distinct <= FEW_INTEGERS:
        return Inferred(Role.CATEGORY, f"whole numbers, {profile.n_distinct} distinct")
    if _is_code(column.name):
        why = "named like a code"
    elif n_digits := 0 if MEASURE_NAME.search(column.name) else _code_length(profile):
        why = f"of {n_digits} digits each, like a code"
    elif _are_hashes(profile):
        why = "far on both sides of 0, like a hash"
    else:
        return Inferred(Role.NUMBER, f"whole numbers, {_distinct(profile)}")
    if is_nearly_unique(profile):
        return Inferred(Role.IGNORE, f"whole numbers {why}, and {OWN} ({_distinct(profile)})")
    return Inferred(Role.CATEGORY, f"whole numbers {why}, {_distinct(profile)}")


def _code_length(profile: Profile) -> int:
    """Return how many digits all values have, such as cards or accounts; 0 when that differs, or none repeats."""
    least, most = profile.minimum or "", profile.maximum or ""
    is_code = least.isdigit() and len(least) == len(most) >= LONG_CODE and not is_nearly_unique(profile)
    return len(least) if is_code else 0


def _are_hashes(profile: Profile) -> bool:
    """Tell whether whole numbers spread over nearly all that 64 bits hold, as no amounts do."""
    ends = int(profile.minimum or 0), int(profile.maximum or 0)
    return ends[0] < -LEAST_HASH and ends[1] > LEAST_HASH


def _text(evidence: Evidence) -> Inferred:
    profile = evidence.profile
    n_known = profile.n_records - profile.n_nulls
    if evidence.found and evidence.found.role is Role.CATEGORY:
        return Inferred(Role.CATEGORY, evidence.found.like)
    if is_free_text(profile.n_distinct, n_known, profile.mean_length, profile.mean_spaces):
        return Inferred(Role.TEXT, f"free text, {profile.mean_length:.0f} characters on average, {_distinct(profile)}")
    if evidence.is_message and profile.n_distinct > FEW_INTEGERS:
        return Inferred(Role.TEXT, f"the message of a line, {_distinct(profile)}")
    is_varied = profile.n_distinct > max(FEW_INTEGERS, LEAST_VARIED * n_known) and profile.mean_spaces >= 1
    if is_varied and MESSAGE_NAME.search(evidence.column.name):
        return Inferred(Role.TEXT, f"named like a message, {_distinct(profile)}")
    if is_nearly_unique(profile):
        return Inferred(Role.IDENTIFIER, f"{OWN} ({_distinct(profile)})")
    return Inferred(Role.CATEGORY, _distinct(profile))


RULES: tuple[Callable[[Evidence], Inferred | None], ...] = (
    _given,
    _left_out,
    _key,
    _label,
    _useless,
    _vector,
    _moment,
    _written_number,
    _fraction,
    _whole_number,
    _text,
)
"""Each gives a role or leaves the column to the next; the last one always gives one."""


def is_free_text(n_distinct: int, n_known: int, mean_length: float, mean_spaces: float) -> bool:
    """Tell whether a column holds messages: they are long and of words, or of words and nearly all different.

    Parameters
    ----------
    n_distinct, n_known : int
        Its different values, and its values that are not null.
    mean_length, mean_spaces : float
        Characters and spaces of a value.
    """
    if mean_length >= TEXT_LENGTH and mean_spaces >= TEXT_SPACES and n_distinct > FEW_INTEGERS:
        return True
    is_unique = n_known >= MIN_RECORDS_FOR_SHARES and n_distinct > NEARLY_UNIQUE * n_known
    return is_unique and mean_spaces >= MESSAGE_SPACES


def is_key_name(name: str) -> bool:
    """Tell whether a column is named like a key, such as ``id`` or ``invoice_no``."""
    return KEY_NAME.search(name) is not None and not is_time_name(name)


def looks_like_key(column: Column, profile: Profile) -> bool:
    """Tell whether a column whose values are unique looks like a key, and not like a measure or a message."""
    if column.type == "UUID" or not (INTEGERS.match(column.type) or column.type == "VARCHAR"):
        return column.type == "UUID"
    if column.type == "VARCHAR":
        return profile.mean_spaces < MOST_KEY_SPACES and profile.mean_length <= KEY_LENGTH
    if is_key_name(column.name):
        return True
    # Not named like a key: a counter, which has next to no gaps.
    first, last = int(profile.minimum or 0), int(profile.maximum or 0)
    is_other = MEASURE_NAME.search(column.name) or is_time_name(column.name)
    return last - first < COUNTER_GAPS * profile.n_records and not is_other


def is_nearly_unique(profile: Profile) -> bool:
    """Tell whether nearly every record has a value of its own, so that the column says nothing about others."""
    known = profile.n_records - profile.n_nulls
    return known >= MIN_RECORDS_FOR_SHARES and profile.n_distinct > NEARLY_UNIQUE * known


def _distinct(profile: Profile) -> str:
    about = "about " if profile.n_distinct > FEW_INTEGERS else ""  # an estimate, good to some per cent
    return f"{about}{min(profile.n_distinct, profile.n_records - profile.n_nulls):,} distinct"

"""How people and programs write times: parts of formats, and the formats that a text may be in.

A format is a date, a time of day and a zone, each one of a list; what joins them is one of a list, too. Which formats a
text may be in follows from its mask, the text with a 9 for every digit.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache

from anomembed.read.quoting import quote_text
from anomembed.read.written.printed import PRINTED, printed_like

ISO, ISO_ZONE = "ISO", "ISO with a zone"  # read by a cast, which knows more ways to write them than a format
ISO_MASK = re.compile(r"9{4}-9{1,2}-9{1,2}([ T]9{1,2}:99(:99(\.9{1,9})?)?(?P<zone> ?(Z|UTC|[+-]99(:?99)?))?)?", re.I)

ORDERS = ("dmy", "mdy", "ymd")  # in order of preference
ORDERED = {"%d": "d", "%m": "m", "%b": "m", "%B": "m", "%y": "y", "%Y": "y"}
MOST_FORMATS = 8  # of one column
MONTHS = {
    "%b": "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec",
    "%B": "january|february|march|april|may|june|july|august|september|october|november|december",
}
MASKS = {
    "%Y": "9{4}",
    "%y": "9{2}",
    **dict.fromkeys(("%m", "%d", "%H", "%I"), "9{1,2}"),
    **dict.fromkeys(("%M", "%S"), "9{2}"),
    "%f": "9{1,6}",
    "%n": "9{7,9}",
    "%p": "[ap]m",
    "%z": "[+-]9{2}(:?9{2})?",
    "%Z": r"(?!(?:am|pm)\b)(?:[a-z]{3,5}|[a-z]+/[a-z_]+)",
    "%a": "(?:mon|tue|wed|thu|fri|sat|sun)",
    "%A": "(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)",
    **{month: f"(?:{names})" for month, names in MONTHS.items()},
}
"""What each directive of DuckDB's ``strptime`` looks like in a mask."""
COMPACT = ("%Y%m%d",)  # parts of digits alone, in full width
COMPACT_CLOCKS = ("%H%M%S", "%H%M", "%H")

_DAY_FIRST = [f"%d{mark}%m{mark}{year}" for mark in "/-." for year in ("%Y", "%y")]
_NAMED = [
    form.replace("%b", month)
    for month in MONTHS
    for form in (
        *(f"%d{mark}%b{mark}{year}" for mark in "-/ ." for year in ("%Y", "%y")),
        *("%d%b%Y", "%d. %b %Y", "%d %b, %Y", "%b %d, %Y", "%b %d %Y", "%b-%d-%Y", "%Y-%b-%d", "%Y %b %d", "%Y/%b/%d"),
    )
]
_SWAPPED = {form: form.replace("%d", "?").replace("%m", "%d").replace("?", "%m") for form in _DAY_FIRST}
DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%y/%m/%d", "%y-%m-%d", "%y.%m.%d"),
    *COMPACT,
    *_DAY_FIRST,
    *_SWAPPED.values(),
    *_NAMED,
)
CLOCKS = (
    *("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%H:%M:%S,%f", "%H:%M:%S.%n", "%H.%M", "%H.%M.%S", "%H.%M.%S.%f"),
    *(
        f"{clock}{gap}%p"
        for clock in ("%I", "%I:%M", "%I:%M:%S", "%I:%M:%S.%f", "%I.%M.%S", "%I.%M.%S.%f")
        for gap in ("", " ")
    ),
    *COMPACT_CLOCKS,
)
JOINS = ("T", ", ", " at ", " - ", " ", ":", "-", "")
ZONES = ("", "%z", " %z", " %Z", "Z")
WEEKDAYS = ("", "%a, ", "%a ", "%A, ", "%A ")
WHOLE = tuple(f"%b %d {clock}{zone} %Y" for clock in ("%H:%M:%S", "%H:%M:%S.%f") for zone in ("", " %Z", " %z"))
"""Of the C library and of ``date``, in which the year comes last."""
OTHERS = ("%y%m%d %H%M%S",)
MONTHS_ALONE = (
    *((month,) for month in ("%Y-%m", "%Y/%m", "%Y.%m", "%m/%Y", "%m-%Y", "%m.%Y", "%B %Y")),
    *((f"%b{mark}%y", f"%b{mark}%Y") for mark in " -"),
)
"""Of columns that are said to hold times; the first day stands for the month."""


def formats_like(mask: str) -> list[str]:
    """Return the formats that a text with this mask may be in; of two that differ in day and month, day first.

    Examples
    --------
    >>> formats_like("99-JAN-9999 99:99:99"), formats_like("9/99/9999")
    (['%d-%b-%Y %H:%M:%S'], ['%d/%m/%Y', '%m/%d/%Y'])
    >>> formats_like("9999-99-99T99:99:99.999+99:99"), formats_like("9-9")
    (['ISO with a zone'], [])
    """
    text = re.sub(" +", " ", mask.strip())
    if found := ISO_MASK.fullmatch(text):
        return [ISO_ZONE if found["zone"] else ISO]
    if printed := printed_like(text):
        return printed
    if text.startswith("[") and text.endswith("]"):
        return [f"[{form}]" for form in formats_like(text[1:-1])]
    return list(
        dict.fromkeys(form for weekday in WEEKDAYS for rest in _after(weekday, text) for form in _dated(weekday, rest))
    )


def _dated(weekday: str, text: str) -> Iterable[str]:
    """Return the formats of a text after its weekday."""
    yield from (weekday + form for form in (*WHOLE, *OTHERS) if _pattern(form).fullmatch(text))
    for date in DATES:
        yield from (
            weekday + date + rest for left in _after(date, text) for rest in _tails(left, is_compact=date in COMPACT)
        )
    for clock in CLOCKS if not weekday else ():
        for left in _after(clock, text):
            joins = (join for join in (", ", " ") if left.startswith(join))
            yield from (
                clock + join + date for join in joins for date in DATES if _pattern(date).fullmatch(left[len(join) :])
            )


def _tails(text: str, *, is_compact: bool) -> Iterable[str]:
    """Return the formats of what follows a date."""
    if not text:
        yield ""
    for join in JOINS:
        if text.startswith(join) and (join or is_compact):
            yield from (join + rest for rest in _clocks(text[len(join) :], is_compact=is_compact))


def _clocks(text: str, *, is_compact: bool) -> Iterable[str]:
    """Return the formats of a time of day; one of digits alone follows a date of digits alone."""
    for clock in CLOCKS:
        if is_compact or clock not in COMPACT_CLOCKS:
            for left in _after(clock, text):
                yield from (clock + zone for zone in ZONES if _pattern(zone).fullmatch(left))


def _after(form: str, text: str) -> list[str]:
    """Return what follows a format at the start of a text, in a list; an empty list without it."""
    found = _pattern(form).match(text)
    rest = text[found.end() :] if found else ""
    return [rest] if found and not (rest[:1] == "9" and form in DATES and form not in COMPACT) else []


@cache
def _pattern(form: str) -> re.Pattern[str]:
    """Return the regular expression of the masks of a format."""
    parts = re.split(r"(%[A-Za-z])", form)
    pattern = "".join(MASKS.get(part, re.escape(part)) for part in parts)
    is_digits = form in COMPACT or form in COMPACT_CLOCKS or form in OTHERS
    return re.compile(pattern.replace("{1,2}", "{2}") if is_digits else pattern, re.IGNORECASE)


def clocks_like(mask: str) -> list[str]:
    """Return the formats of a time of day alone that a text with this mask may be in.

    Examples
    --------
    >>> clocks_like("9:99:99 PM"), clocks_like("99:99"), clocks_like("99.99")
    (['%I:%M:%S %p'], ['%H:%M'], [])
    """
    text = re.sub(" +", " ", mask.strip())
    named = (clock for clock in CLOCKS if clock not in COMPACT_CLOCKS and clock != "%H.%M")
    return [clock for clock in named if _pattern(clock).fullmatch(text)]


def order_of(form: str) -> str:
    """Return the order of day, month and year in a format; empty for a time of ISO.

    Examples
    --------
    >>> order_of("%H:%M %d/%m/%Y"), order_of("%b %d, %Y"), order_of(ISO)
    ('dmy', 'mdy', '')
    """
    return "".join(ORDERED[part] for part in re.findall(r"%[A-Za-z]", form) if part in ORDERED)


def find_formats(masks: Mapping[str, int], least: float, enough: float = 0) -> dict[str, tuple[str, ...]]:
    """Return the formats that the texts of a column may be in, for each order of day, month and year that they allow.

    Parameters
    ----------
    masks : mapping of str to int
        How many texts have each mask.
    least : float
        Share of the texts below which a format is left out.
    enough : float, default=0
        Share of the texts that must be in some format; nothing is found otherwise.
    """
    likely: dict[str, list[str]] = {}
    n_left = (1 - enough) * sum(masks.values())  # texts that may be in no format
    for mask, count in masks.items():
        if forms := formats_like(mask):
            likely[mask] = forms
        elif (n_left := n_left - count) < 0:
            return {}
    orders = {order_of(form) for forms in likely.values() for form in forms}
    found: dict[str, tuple[str, ...]] = {}
    for order in (*ORDERS, ""):
        if order not in orders:
            continue
        chosen = _common({mask: _in_order(forms, order) for mask, forms in likely.items()}, masks, least)
        if chosen and chosen not in found.values():
            found[order] = chosen
    return found


def _in_order(forms: list[str], order: str) -> str:
    return next((form for form in forms if order_of(form) == order), forms[0])


def _common(forms: Mapping[str, str], masks: Mapping[str, int], least: float) -> tuple[str, ...]:
    """Return the most frequent formats of some masks."""
    counts: Counter[str] = Counter()
    for mask, form in forms.items():
        counts[form] += masks[mask]
    enough = [form for form, count in counts.most_common(MOST_FORMATS) if count >= least * sum(masks.values())]
    # A year of two digits comes first: a format with four takes it for one of the first century.
    return tuple(sorted(enough, key=lambda form: "%y" not in form))


def mask_of(text: str) -> str:
    """Return the mask of a text.

    Examples
    --------
    >>> mask_of("05-JAN-2026")
    '99-JAN-9999'
    """
    return re.sub("[0-9]", "9", text)


def mask_sql(text: str) -> str:
    """Return SQL of the mask of a text."""
    return f"translate({text}, '012345678', '999999999')"


def time_sql(text: str, formats: Iterable[str]) -> str:
    """Return SQL that reads a text in the first format that fits, as a TIMESTAMP in UTC.

    Parameters
    ----------
    text : str
        SQL of the text.
    formats : iterable of str
        Those of ``strptime``, `ISO` and `ISO_ZONE`.
    """
    readings = [_reading_sql(text, form) for form in formats]
    return readings[0] if len(readings) == 1 else f"coalesce({', '.join(readings)})"


def _reading_sql(text: str, form: str) -> str:
    if form in PRINTED:
        return PRINTED[form].sql.format(text)
    if form in (f"[{ISO}]", f"[{ISO_ZONE}]"):
        text, form = f"trim({text}, ' []')", form[1:-1]
    if form == ISO:
        return f"TRY_CAST({text} AS TIMESTAMP)"
    if form == ISO_ZONE:
        zoned = rf"regexp_replace({text}, ' +([+-]\d\d:?\d\d)$', '\1')"  # DuckDB takes no blank before a zone
        return f"(TRY_CAST({zoned} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')"
    moment = f"try_strptime({text}, {quote_text(form)})"
    return f"({moment} AT TIME ZONE 'UTC')" if has_zone(form) else f"CAST({moment} AS TIMESTAMP)"


def has_zone(form: str) -> bool:
    """Tell whether times in a format say their zone, so that they are moments and not local times.

    Examples
    --------
    >>> has_zone("%H:%M %z"), has_zone(ISO)
    (True, False)
    """
    return form.strip("[]") == ISO_ZONE or form in PRINTED or re.search("(?<!%)(?:%%)*%[zZ]", form) is not None

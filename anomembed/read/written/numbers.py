"""How people write numbers: 1,234.56 or 1.234,56, with a currency or a unit, negative in brackets or by a minus behind.

Which of `.` and `,` is the decimal sign, and what the units mean, follows from the column as a whole: from the masks of
its values, which have a 9 for every digit.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from anomembed.read.quoting import quote_text

SPACES = " \u00a0\u2009\u202f"
GROUPS = f"{SPACES}'\u2019"  # what else separates thousands
MINUS = "\\-\u2212\u2013"  # within brackets of a regular expression
CURRENCIES = "$€£¥₹₽₩₺₴₦₫฿"
MONEY = (
    "AED|ARS|AUD|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|ISK|JPY|KES|KRW|KWD|MAD|MXN|MYR"
    "|NGN|NOK|NZD|PEN|PHP|PKR|PLN|QAR|RON|RSD|RUB|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|XAF|XOF|ZAR"
)
CODES = rf"(?:{MONEY}|[A-Z]{{1,2}}\$|Rs\.?|kr\.?|zł|Kč|Ft|Lei)"
NUMBER = (
    rf"(?P<open>\()?(?P<sign>[+{MINUS}] ?)?(?P<currency>{CODES} ?|[{CURRENCIES}] ?)?(?P<second>[{MINUS}] ?)?"
    rf"(?P<digits>9+(?:[.,{GROUPS}]9+)*[.,]?|[.,]9+)(?P<power>[eE][+-]?9+)?"
    rf"(?P<unit> ?(?:[%‰{CURRENCIES}]|{CODES}|[°A-Za-zµμ][A-Za-z²³/]{{0,11}}))?(?P<behind> ?[{MINUS}])?(?P<close>\))?"
)
PLAIN = re.compile(r"9+")
GROUPED = re.compile(rf"9{{1,3}}([.,{GROUPS}])(?:9{{2,3}}\1)*9{{3}}")

_BYTES = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4, "p": 1000**5}
_BINARY = {"ki": 1024, "mi": 1024**2, "gi": 1024**3, "ti": 1024**4, "pi": 1024**5}
UNITS: dict[str, dict[str, float]] = {
    "bytes": {**{f"{p}b": f for p, f in (_BYTES | _BINARY).items()}, "byte": 1, "bytes": 1},
    "seconds": {
        **dict.fromkeys(("ns", "nsec"), 1e-9),
        **dict.fromkeys(("us", "µs", "μs", "usec"), 1e-6),
        **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), 1e-3),
        **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
        **dict.fromkeys(("min", "mins", "minute", "minutes"), 60),
        **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600),
        **dict.fromkeys(("d", "day", "days"), 86400),
    },
    "debits": {"": 1, "dr": -1},
    "credits": {"": 1, "cr": -1},
    "debits and credits": {"": 1, "cr": 1, "dr": -1, "db": -1},
    "thousands": {"": 1, "k": 1e3, "m": 1e6, "mn": 1e6, "g": 1e9, "bn": 1e9, "b": 1e9, "t": 1e12},
}
"""What a unit multiplies by, in small letters, for each kind of units that a column may be in."""


@dataclass(frozen=True)
class NumberStyle:
    """How the numbers of a column are written.

    Parameters
    ----------
    decimal : str
        The decimal sign: ``.`` or ``,``.
    units : str
        A key of `UNITS`, by which numbers are multiplied; empty when units mean nothing.
    example : str
        A value of that look, with made-up digits.
    is_plain : bool
        Whether they are all digits and nothing else.
    """

    decimal: str
    units: str
    example: str
    is_plain: bool = False


@dataclass(frozen=True)
class _Shape:
    """The parts of a masked number that matter."""

    digits: str
    unit: str
    is_marked: bool
    """Whether something beside digits and their separators says that it is an amount."""

    @property
    def separators(self) -> str:
        """What stands between the digits."""
        return self.digits.replace("9", "")

    @property
    def is_plain(self) -> bool:
        """Whether it is digits and nothing else."""
        return not self.separators and not self.is_marked


def find_style(masks: Mapping[str, int], least: float) -> NumberStyle | None:
    """Return how the numbers of a column are written; None when it does not hold numbers written for people.

    Parameters
    ----------
    masks : mapping of str to int
        How many values have each mask.
    least : float
        Share of the values that must be numbers; 0 when the user says that the column holds numbers.
    """
    shapes: Counter[_Shape] = Counter()
    for mask, count in masks.items():
        if shape := _shape(mask):
            shapes[shape] += count
    is_told = not least
    if sum(shapes.values()) < least * sum(masks.values()) or not shapes or (not is_told and _are_codes(shapes)):
        return None
    units = _units({shape.unit for shape in shapes})
    if units is None and not is_told and _units(_common(shapes, least)) is None:
        return None
    decimal = _decimal(shapes)
    return NumberStyle(decimal, units or "", _example(shapes), all(shape.is_plain for shape in shapes))


def _shape(mask: str) -> _Shape | None:
    found = re.fullmatch(NUMBER, mask.strip())  # Python keeps what it has compiled
    if not found or bool(found["open"]) != bool(found["close"]) or sum(bool(found[at]) for at in _SIGNS) > 1:
        return None
    unit = found["unit"] or ""
    is_money = bool(re.fullmatch(f"{CODES}|[{CURRENCIES}%‰]", unit.strip()))
    name = "" if is_money else unit.strip()
    if name and not unit.startswith(" ") and not _is_known(name):
        return None  # 12A is a seat
    is_marked = bool(unit or found["currency"] or found["open"] or found["behind"] or found["power"])
    return _Shape(found["digits"], name, is_marked)


_SIGNS = ("open", "sign", "second", "behind")


def _is_known(unit: str) -> bool:
    return unit.startswith("°") or any(unit.lower() in known for known in UNITS.values())


def _are_codes(shapes: Counter[_Shape]) -> bool:
    """Tell whether digits are grouped like those of a phone: by spaces, never a decimal, always as many."""
    if any(shape.is_marked or not set(shape.separators) <= set(GROUPS) for shape in shapes):
        return False
    return len({shape.digits.count("9") for shape in shapes}) == 1 or not any(
        GROUPED.fullmatch(shape.digits) or PLAIN.fullmatch(shape.digits) for shape in shapes
    )


def _units(units: set[str]) -> str | None:
    """Return the kind of the units; empty when there is one at most, None when they do not go together."""
    named = {unit.lower() for unit in units}
    kinds = [kind for kind, known in UNITS.items() if named <= set(known)]
    if kinds and named != {""} and (kinds[0] != "thousands" or len(named) > 1):  # 12 g alone is a weight
        return kinds[0]
    return "" if len(named - {""}) <= 1 else None


def _common(shapes: Counter[_Shape], share: float) -> set[str]:
    """Return the units that as large a share of numbers have: one in pounds among kilograms is a mistake."""
    counts = Counter[str]()
    for shape, count in shapes.items():
        counts[shape.unit] += count
    ordered = counts.most_common()
    return next(
        {unit for unit, _ in ordered[:n]}
        for n in range(1, len(ordered) + 1)
        if sum(count for _, count in ordered[:n]) >= share * counts.total()
    )


def _decimal(shapes: Counter[_Shape]) -> str:
    """Return the decimal sign that most of the separators speak for."""
    votes = Counter({".": 0, ",": 0})
    for shape, count in shapes.items():
        if sign := _voted(shape.digits):
            votes[sign] += count
    if votes["."] != votes[","]:
        return "." if votes["."] > votes[","] else ","
    # Amounts have two decimals rather than three: 1.234 and 1,234 are one thousand and more.
    is_dotted = any("." in shape.separators for shape in shapes)
    return "," if is_dotted and any(shape.is_marked for shape in shapes) else "."


def _voted(digits: str) -> str | None:
    """Return the decimal sign if the separators of a number tell."""
    signs = [sign for sign in digits if sign in ".,"]
    if not signs:
        return None
    last, other = signs[-1], "," if signs[-1] == "." else "."
    if other in signs:
        return last
    if len(signs) > 1:  # thousands twice
        return other
    whole, _, fraction = digits.rpartition(last)
    is_group = len(fraction) == 3 and 1 <= len(whole) <= 3
    return None if is_group else last


def _example(shapes: Counter[_Shape]) -> str:
    """Return a number like the longest of the common ones, with the digits 1 2 3 and so on."""
    most = max(shapes.values())
    shape = max((s for s, n in shapes.items() if n >= most / 10), key=lambda s: (len(s.separators), len(s.digits)))
    digits = iter("1234567890" * len(shape.digits))
    text = re.sub("9", lambda _: next(digits), shape.digits)
    return f"{text} {shape.unit}".strip()


def number_sql(text: str, style: NumberStyle) -> str:
    """Return SQL that reads a text in a style as a DOUBLE; null when it is not written so.

    Parameters
    ----------
    text : str
        SQL of the text.
    style : NumberStyle
        From `find_style`.
    """
    trimmed, pattern = f"trim({text}, {quote_text(SPACES + chr(9))})", quote_text(_pattern(style.decimal))
    body = f"regexp_extract({trimmed}, {pattern}, 1)"
    dropped = quote_text("," if style.decimal == "." else ".")
    plain = f"regexp_replace({body}, {quote_text(f'[{GROUPS}]')}, '', 'g')"
    plain = f"replace(replace({plain}, {dropped}, ''), ',', '.')"
    is_negative = f"regexp_matches({trimmed}, {quote_text(f'^[^0-9]*[{MINUS}(]|[{MINUS}]$')})"
    number = f"TRY_CAST({plain} AS DOUBLE) * CASE WHEN {is_negative} THEN -1 ELSE 1 END"
    return (
        number if not style.units else f"{number} * {_factor(f'regexp_extract({trimmed}, {pattern}, 2)', style.units)}"
    )


def _factor(unit: str, units: str) -> str:
    cases = " ".join(f"WHEN {quote_text(name)} THEN {factor!r}" for name, factor in UNITS[units].items())
    return f"CASE lower(trim({unit})) {cases} END"


def _pattern(decimal: str) -> str:
    """Return the regular expression of a number with this decimal sign: group 1 is its digits, 2 its unit."""
    point, group = re.escape(decimal), f"[{GROUPS}{',' if decimal == '.' else '.'}]"
    grouped = rf"[0-9]{{1,3}}(?:{group}[0-9]{{2,3}})*{group}[0-9]{{3}}"
    digits = rf"(?:{grouped}|[0-9]+)(?:{point}[0-9]*)?|{point}[0-9]+"
    before = rf"\(?[+{MINUS}]? ?(?:(?:{CODES}|[{CURRENCIES}])[{SPACES}]?)?[{MINUS}]? ?"
    unit = rf"(?:[%‰{CURRENCIES}]|{CODES}|[°A-Za-zµμ][A-Za-z²³/]{{0,11}})"
    return rf"^{before}((?:{digits})(?:[eE][+-]?[0-9]+)?)((?:[{SPACES}]?{unit})?)[{SPACES}]?[{MINUS}]?\)?$"

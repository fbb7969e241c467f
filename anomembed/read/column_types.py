"""Kinds of DuckDB's column types, by their names."""

import re

FRACTIONS = re.compile(r"(FLOAT|DOUBLE|REAL|DECIMAL)")
INTEGERS = re.compile(r"U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$")
MOMENTS = re.compile(r"(DATE|TIMESTAMP)[^\[]*$")  # not lists of them
NAMES = re.compile(r"(VARCHAR|UUID|ENUM|BOOLEAN)")
VECTORS = re.compile(
    r"(?:FLOAT|DOUBLE|REAL|DECIMAL(?:\([\d, ]+\))?|U?(?:TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT))\[(\d*)\]"
)
DURATIONS = ("INTERVAL", "TIME")
PLAIN = re.compile(
    r"VARCHAR|JSON|UUID|BOOLEAN|FLOAT|DOUBLE|BLOB|TIME|ENUM\(.*\)|DECIMAL\([\d, ]+\)"
    r"|U?(?:TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)",
    re.DOTALL,
)
"""Types, besides moments, that a key keeps in results."""


FIRST_MOMENT, LAST_MOMENT = "0001-01-01", "9999-12-31 23:59:59.999999"  # what Python and ISO 8601 can say


def is_vector(kind: str) -> bool:
    """Tell whether a DuckDB type is an array or a list of numbers, one level deep."""
    return VECTORS.fullmatch(kind) is not None


def fixed_width(kind: str) -> int:
    """Return the size of an array; 0 for a list."""
    found = VECTORS.fullmatch(kind)
    return int(found[1] or 0) if found else 0


def general_kind(kind: str) -> str:
    """Return the kind of a type; columns of the same kind may replace one another when scoring."""
    if is_vector(kind):
        return "vector"
    kinds = {"number": (FRACTIONS, INTEGERS), "moment": (MOMENTS,), "name": (NAMES,)}
    return next((name for name, patterns in kinds.items() if any(p.match(kind) for p in patterns)), kind)


def moment_sql(expression: str, kind: str) -> str:
    """Return SQL of a moment in UTC: null where it is infinite, before the year 1 or after the year 9999."""
    return f"CASE WHEN {is_moment_sql(expression, kind)} THEN {_utc(expression, kind)} END"


def is_moment_sql(expression: str, kind: str) -> str:
    """Return an SQL condition for the moments that `moment_sql` leaves as they are; null for a null."""
    return f"{_utc(expression, kind)} BETWEEN TIMESTAMP '{FIRST_MOMENT}' AND TIMESTAMP '{LAST_MOMENT}'"


def _utc(expression: str, kind: str) -> str:
    if "WITH TIME ZONE" in kind:
        return f"({expression} AT TIME ZONE 'UTC')"
    return f"TRY_CAST({expression} AS TIMESTAMP)"


def known_sql(expression: str, kind: str) -> str:
    """Return SQL of a name as text: null where it is blank, which names nobody."""
    text = f"CAST({expression} AS VARCHAR)"
    return f"if(trim({text}) = '', NULL, {text})" if kind in ("VARCHAR", "JSON") or kind.startswith("ENUM") else text

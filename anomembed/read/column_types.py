"""Kinds of DuckDB's column types, by their names."""

import re

FRACTIONS = re.compile(r"(FLOAT|DOUBLE|REAL|DECIMAL)")
INTEGERS = re.compile(r"U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$")
MOMENTS = re.compile(r"(DATE|TIMESTAMP)")
NAMES = re.compile(r"(VARCHAR|UUID|ENUM|BOOLEAN)")
VECTORS = re.compile(
    r"(?:FLOAT|DOUBLE|REAL|DECIMAL(?:\([\d, ]+\))?|U?(?:TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT))\[(\d*)\]"
)
DURATIONS = ("INTERVAL", "TIME")


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

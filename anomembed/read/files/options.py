"""What ``--read`` says about how to read files: options of DuckDB's readers, checked by name and type."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from anomembed.errors import ConfigError, nearest_name, shown

CSV, JSON, PARQUET = "CSV", "JSON", "Parquet"
NEXT = re.compile(r",\s*(?=\w+\s*=)")  # a comma before the next name; another one is part of a value
ESCAPES = {r"\t": "\t", r"\\": "\\", "tab": "\t", "space": " "}
LONGEST_DELIMITER = 4
Value = str | bool | int | float | list[str]


def _text(value: str) -> str:
    is_quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    unquoted = value[1:-1] if is_quoted else value
    return ESCAPES.get(unquoted, unquoted)


def _flag(value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise ValueError("true or false is needed")
    return value.lower() == "true"


def _whole(value: str) -> int:
    if not re.fullmatch(r"-?\d+", value):
        raise ValueError("a whole number is needed")
    return int(value)


def _share(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError("a number is needed") from None


def _list(value: str) -> list[str]:
    return [_text(part.strip()) for part in value.strip("[]").split(",")]


class Option(NamedTuple):
    """An option of a reader."""

    parse: Callable[[str], Value]
    readers: tuple[str, ...]


OPTIONS = {
    **{
        name: Option(_text, (CSV,))
        for name in ("delim", "sep", "quote", "escape", "comment", "new_line", "decimal_separator", "thousands")
    },
    **{name: Option(_flag, (CSV,)) for name in ("header", "null_padding", "strict_mode", "all_varchar")},
    **{name: Option(_flag, (CSV,)) for name in ("normalize_names", "allow_quoted_nulls")},
    **{name: Option(_whole, (CSV,)) for name in ("skip", "max_line_size")},
    **{name: Option(_list, (CSV,)) for name in ("names", "nullstr", "force_not_null")},
    **{name: Option(_text, (CSV, JSON)) for name in ("encoding", "compression", "dateformat", "timestampformat")},
    **{name: Option(_whole, (CSV, JSON)) for name in ("sample_size",)},
    "ignore_errors": Option(_flag, (CSV, JSON)),
    "format": Option(_text, (JSON,)),
    **{
        name: Option(_whole, (JSON,))
        for name in ("maximum_object_size", "maximum_depth", "map_inference_threshold", "maximum_sample_files")
    },
    "field_appearance_threshold": Option(_share, (JSON,)),
    "convert_strings_to_integers": Option(_flag, (JSON,)),
    **{name: Option(_flag, (CSV, JSON, PARQUET)) for name in ("union_by_name", "filename", "hive_partitioning")},
    "binary_as_string": Option(_flag, (PARQUET,)),
}
"""The options by name, which are DuckDB's."""


def parse_options(text: str | None) -> dict[str, Any]:
    """Return the options that a text such as ``delim=;, skip=3`` gives.

    Raises
    ------
    ConfigError
        When there is no such option, or its value is of another type.

    Examples
    --------
    >>> parse_options("delim=,, header=false, skip=3, names=[a, b]")
    {'delim': ',', 'header': False, 'skip': 3, 'names': ['a', 'b']}
    """
    options: dict[str, Any] = {}
    for pair in NEXT.split(text.strip()) if text and text.strip() else []:
        name, equals, value = pair.partition("=")
        name = name.strip().lower()
        if name not in OPTIONS:
            raise ConfigError(f"--read: unknown option {shown(name)}{nearest_name(name, OPTIONS)}")
        if not equals:
            raise ConfigError(f"--read: {name} has no value; write it as {name}=VALUE")
        options["delim" if name == "sep" else name] = _value(name, value)
    return options


def _value(name: str, text: str) -> Value:
    stripped = text.strip()
    try:
        return OPTIONS[name].parse(stripped or text)
    except ValueError as error:
        raise ConfigError(f"--read: {name} = {shown(stripped)}: {error}") from None


def wanted_reader(options: dict[str, Any]) -> str | None:
    """Return the only kind of file that can be meant by `options`; None when there are several.

    Raises
    ------
    ConfigError
        When no reader has all of them.
    """
    common = {CSV, JSON, PARQUET}
    for name in options:
        common &= set(OPTIONS[name].readers)
    if not common:
        raise ConfigError(f"--read: {', '.join(options)} are options of different kinds of files")
    return next(iter(common)) if len(common) == 1 else None


def check_reader(options: dict[str, Any], reader: str, path: str) -> None:
    """Refuse options that the reader of a file does not have."""
    strange = [name for name in options if reader not in OPTIONS[name].readers]
    if strange:
        raise ConfigError(f"--read: {', '.join(strange)} cannot be set for {path}, which is {reader}")

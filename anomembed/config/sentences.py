"""Say in one sentence what is wrong with settings."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from reprlib import Repr
from typing import Any

from pydantic import BaseModel, ValidationError

from anomembed.errors import ConfigError, nearest_name

LIMITS = {
    "greater_than_equal": "at least",
    "greater_than": "above",
    "less_than_equal": "at most",
    "less_than": "below",
}
"""Pydantic's names of limits, and ours."""
NEEDED = {
    "finite_number": "a finite number",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "a text",
    "dict": "a table of settings",
}
"""Parts of pydantic's names of what a value is not, and what it should be."""

_brief = Repr()
_brief.maxstring = _brief.maxother = 80


@contextmanager
def plain_errors(section: type[BaseModel]) -> Iterator[None]:
    """Turn pydantic's errors about a section of settings into one sentence.

    Raises
    ------
    ConfigError
        With the first of them.
    """
    try:
        yield
    except ValidationError as error:
        raise ConfigError(_sentence(section, *_first(error))) from error


def _first(error: ValidationError) -> tuple[tuple[str, ...], Any]:
    """Return the path and the details of the first error; that of a section within has been put into words already."""
    first = error.errors(include_url=False)[0]
    path = tuple(str(part) for part in first["loc"])
    within = first.get("ctx", {}).get("error")
    if isinstance(within, ConfigError) and isinstance(within.__cause__, ValidationError):
        rest, first = _first(within.__cause__)
        return path + rest, first
    return path, first


def _sentence(section: type[BaseModel], path: tuple[str, ...], error: Any) -> str:  # noqa: ANN401
    """Return the setting, its value, and what is wrong with it."""
    name, given = ".".join(path[:2]), error["input"]  # below a setting come the types that its value might have had
    if error["type"] == "extra_forbidden":
        return f"unknown setting {name}{nearest_name(path[-1], _known(section, path[:-1]))}"
    if error["type"] == "tuple_type":
        such = f", such as [{_brief.repr(given)}]" if isinstance(given, str) else ""
        return f"{name} = {_brief.repr(given)}: a list of names is needed{such}"
    if error["type"] in ("model_type", "dict_type"):
        return f"{name} = {_brief.repr(given)}: settings by name are needed, such as {name}.{_known(section, path)[0]}"
    message = _wrong(error)
    if error["type"] == "value_error" and isinstance(given, Mapping):  # settings that do not go together
        return f"{name}: {message}" if name else message
    return f"{name} = {_brief.repr(given)}: {message}"


def _wrong(error: Any) -> str:  # noqa: ANN401
    """Return in our words what is wrong with a value."""
    kind, details = error["type"], error.get("ctx", {})
    for limit, words in LIMITS.items():
        if kind == limit:
            limit = f"{next(iter(details.values())):,}"
            return f"it must be {words} {limit.removesuffix('.0')}"
    if kind == "literal_error":
        given, choices = (
            str(error["input"]),
            [choice.strip("'") for choice in re.findall("'[^']*'", details["expected"])],
        )
        return f"there is no such choice{nearest_name(given, choices)}"
    needed = next((words for part, words in NEEDED.items() if part in kind), None)
    if needed and kind != "value_error":
        return f"{needed} is needed"
    message = str(error["msg"]).removeprefix("Value error, ")
    return message[0].lower() + message[1:]


def _known(section: Any, path: tuple[str, ...]) -> list[str]:  # noqa: ANN401
    for name in path:
        section = section.model_fields[name].annotation
    return list(section.model_fields)

"""Read settings from a TOML file or from options, and say in one sentence what is wrong with them."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from reprlib import Repr
from typing import Any

from pydantic import ValidationError

from anomembed.config.sections import Config
from anomembed.errors import ConfigError, nearest_name

# Settings that hold a path, which in a file starts at the file's folder.
PATHS = (("source", "database"), ("embedding", "vectors"), ("store", "path"))


_brief = Repr()
_brief.maxstring = _brief.maxother = 80


def make_config(settings: Mapping[str, Any], origin: str = "the settings") -> Config:
    """Check nested settings.

    Parameters
    ----------
    settings : mapping
        Settings by section.
    origin : str
        Where they come from, for messages.

    Returns
    -------
    Config

    Raises
    ------
    ConfigError
        When a setting is unknown or out of its range.
    """
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(f"{origin}: {_sentence(error)}") from error


def load_config(path: Path, overrides: Mapping[str, Any] | None = None) -> Config:
    """Read a TOML file.

    Parameters
    ----------
    path : Path
        The file.
    overrides : mapping, optional
        Settings by section that win over the file's.

    Returns
    -------
    Config

    Raises
    ------
    ConfigError
        When the file cannot be read or a setting is wrong.
    """
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"no such configuration file: {path}") from None
    except RecursionError:
        raise ConfigError(f"{path} cannot be read as TOML: it is nested too deep") from None
    except (OSError, ValueError) as error:  # also of numbers with too many digits
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from error
    resolved = _resolve_paths(settings, path.parent)
    config = make_config(resolved, str(path))
    return make_config(merge(resolved, overrides), f"the options, over {path}") if overrides else config


def _resolve_paths(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the settings of a file with relative paths that start at its folder."""
    resolved = dict(settings)
    for section, name in PATHS:
        values = resolved.get(section)
        if isinstance(values, Mapping) and isinstance(values.get(name), str):
            resolved[section] = {**values, name: str(folder / values[name])}
    return resolved


def merge(settings: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return `settings` with `overrides` on top, setting by setting; a flag rule replaces another.

    Examples
    --------
    >>> merge({"seed": 1, "source": {"table": "a"}}, {"source": {"where": "x"}})
    {'seed': 1, 'source': {'table': 'a', 'where': 'x'}}
    """
    merged = dict(settings)
    for name, value in overrides.items():
        below = merged.get(name)
        if isinstance(value, Mapping) and isinstance(below, Mapping) and name != "flags":
            merged[name] = {**below, **value}
        else:
            merged[name] = value
    return merged


def _sentence(error: ValidationError) -> str:
    """Return the first error as a sentence: the setting, its value, and what is wrong with it."""
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    name = ".".join(path[:2])  # below a setting come the types that its value might have had
    if first["type"] == "extra_forbidden":
        return f"unknown setting {name}{nearest_name(path[-1], _known(path[:-1]))}"
    if first["type"] == "tuple_type":
        such = f", such as [{_brief.repr(first['input'])}]" if isinstance(first["input"], str) else ""
        return f"{name} = {_brief.repr(first['input'])}: a list of names is needed{such}"
    message = first["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    if first["type"] == "value_error" and isinstance(first["input"], Mapping):  # settings that do not go together
        return f"{name}: {message}" if name else message
    return f"{name} = {_brief.repr(first['input'])}: {message}"


def _known(path: list[str]) -> list[str]:
    section: Any = Config
    for name in path:
        section = section.model_fields[name].annotation
    return list(section.model_fields)

"""Read settings from a TOML file, from options, or from what Python passes."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anomembed.config.sections import Config
from anomembed.errors import ConfigError
from anomembed.read.databases.addresses import map_path

# Settings that hold a path, which in a file starts at the file's folder.
PATHS = (("source", "database"), ("embedding", "vectors"), ("store", "path"))


def make_config(settings: Any, origin: str = "the settings") -> Config:  # noqa: ANN401
    """Check nested settings.

    Parameters
    ----------
    settings : mapping, Config or None
        Settings by section; those that are not there have their defaults.
    origin : str
        Where they come from, for messages.

    Returns
    -------
    Config

    Raises
    ------
    ConfigError
        When a setting is unknown or out of its range.

    Examples
    --------
    >>> make_config({"flags": {"budget": 5}}).flags.budget
    5
    """
    if isinstance(settings, Config):
        return settings
    if settings is not None and not isinstance(settings, Mapping):
        kind = type(settings).__name__
        raise ConfigError(f"{origin}: a Config or a dict of settings by section is needed, not {kind}")
    try:
        return Config.model_validate({str(name): value for name, value in (settings or {}).items()})
    except ConfigError as error:
        raise ConfigError(f"{origin}: {error}") from error


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
            resolved[section] = {**values, name: map_path(values[name], lambda path: str(folder / path))}
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

"""Read settings from a TOML file, from options, or from what Python passes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anomembed.config.reading import read_settings
from anomembed.config.sections import Config
from anomembed.errors import ConfigError


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
    settings = read_settings(path)
    config = make_config(settings, str(path))
    return make_config(merge(settings, overrides), f"the options, over {path}") if overrides else config


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

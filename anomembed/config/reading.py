"""Read a configuration as plain settings, unchecked; light to import."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anomembed.errors import ConfigError
from anomembed.read.databases.addresses import map_path

# Settings that hold a path, which in a file starts at the file's folder.
PATHS = (("source", "database"), ("embedding", "vectors"), ("store", "path"), ("monitor", "metrics"))
STORE = "anomembed.duckdb"  # in the current folder, when no file says where


def read_settings(path: Path) -> dict[str, Any]:
    """Return the settings of a TOML file by section; relative paths in it start at its folder.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    ConfigError
        When it cannot be read.
    """
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"no such configuration file: {path}") from None
    except RecursionError:
        raise ConfigError(f"{path} cannot be read as TOML: it is nested too deep") from None
    except (OSError, ValueError) as error:  # also of numbers with too many digits
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from error
    return _resolve_paths(settings, path.parent)


def _resolve_paths(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the settings of a file with relative paths that start at its folder."""
    resolved = dict(settings)
    for section, name in PATHS:
        values = resolved.get(section)
        if isinstance(values, Mapping) and isinstance(values.get(name), str):
            resolved[section] = {**values, name: map_path(values[name], lambda path: str(folder / path))}
    return resolved

"""Workers need the packages that scores depend on, in the same versions."""

import sys
from collections.abc import Mapping
from importlib.metadata import version

from anomembed.errors import ConfigError

PACKAGES = ("anomembed", "numba", "numpy", "polars", "scipy")


def own_versions() -> dict[str, str]:
    """Return the versions of the packages here, and of Python."""
    return {"Python": ".".join(map(str, sys.version_info[:2]))} | {name: version(name) for name in PACKAGES}


def check_versions(address: str, found: Mapping[str, Mapping[str, str]]) -> None:
    """Check that all workers have the versions of this process.

    Parameters
    ----------
    address : str
        What the workers are called in messages.
    found : mapping
        The versions that each worker has, by its name; none where anomembed is missing.

    Raises
    ------
    ConfigError
        When one has another version, or not the package at all.
    """
    own = own_versions()
    for worker, versions in sorted(found.items()):
        if not versions:
            raise ConfigError(f"the worker {worker} of {address} has no anomembed: install it there, too")
        for name, here in own.items():
            there = versions.get(name, "none")
            if there != here:
                raise ConfigError(
                    f"the worker {worker} of {address} has {name} {there}, and here is {here}: install the same there"
                )

"""Find the workers that a setting names."""

from anomembed.errors import ConfigError, shown
from anomembed.workers.blocks import n_processors
from anomembed.workers.pool import Pool
from anomembed.workers.threads import Threads

MOST_THREADS = 1024
DASK = ("tcp://", "tls://", "ucx://", "ws://", "wss://")
RAY = "ray"


def check_workers(name: str) -> str:
    """Return a setting that names workers.

    Parameters
    ----------
    name : str
        A number of threads; the address of a Dask scheduler, such as ``tcp://scheduler:8786``; or ``ray``, for the
        cluster that this machine is part of.

    Raises
    ------
    ValueError
        When it is none of these.
    """
    is_number = name.isascii() and name.isdecimal() and 1 <= int(name) <= MOST_THREADS
    if not (is_number or name == RAY or name.startswith(DASK)):
        raise ValueError(
            f"{shown(name)} names no workers: give a number of threads up to {MOST_THREADS}, a Dask scheduler such as "
            "tcp://scheduler:8786, or ray"
        )
    return name


def open_workers(name: str | int | None = None) -> Pool:
    """Return workers by their name; nothing is reached before they start.

    Parameters
    ----------
    name : str or int, optional
        See `check_workers`; by default a thread for every processor that this process may use.

    Raises
    ------
    ConfigError
        When it is no such name, or a package is missing that reaches them.
    """
    if name is None:
        return Threads(n_processors())
    try:
        name = check_workers(str(name))
    except ValueError as error:
        raise ConfigError(str(error)) from error
    if name.isdecimal():
        return Threads(int(name))
    if name.startswith(DASK):
        from anomembed.workers.dask import Dask

        return Dask(name)
    from anomembed.workers.ray import Ray

    return Ray()

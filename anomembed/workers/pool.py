"""What workers promise, wherever they are."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

PATIENCE = 600.0  # seconds that a part may take on a cluster; it takes a few


class LostError(Exception):
    """A worker has gone with its part."""


class Result(Protocol):
    """What will come of a part."""

    def result(self, timeout: float | None) -> Any:  # noqa: ANN401
        """Wait for the result.

        Raises
        ------
        LostError
            When the worker has gone.
        TimeoutError
            When it takes longer than `timeout` seconds.
        """

    def cancel(self) -> object:
        """Say that nobody waits for it any more."""


Work = Callable[[Any], Any]
"""Turns a part into its result, which depends on the part alone."""
Submit = Callable[[Any], Result]
"""Hands a part to a worker."""


def do(work: Work, part: Any) -> Any:  # noqa: ANN401
    """Do the work on a part; what is sent to a cluster by name."""
    return work(part)


class Pool(Protocol):
    """Workers.

    Attributes
    ----------
    n_workers : int
        How many parts are done at a time.
    patience : float or None
        Seconds to wait for a part before it counts as lost; None to wait for ever.
    """

    n_workers: int
    patience: float | None

    def check(self) -> None:
        """Find out whether the workers can be reached and do the work; raises what `start` does."""

    def start(self, work: Work) -> AbstractContextManager[Submit]:
        """Hand the work to every worker, and return what hands it a part.

        Raises
        ------
        WorkersError
            When the workers cannot be reached.
        ConfigError
            When they cannot do the work, because they lack the package or have another version of it.
        """

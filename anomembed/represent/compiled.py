"""Compile functions with numba, and cache the result on disk where possible.

The cache of a function is invalidated when its own file changes, not when only the file of a function it calls does.
"""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # noqa: ANN401
    """Compile a function, also for later processes if the package's or the user's cache is writable.

    Parameters
    ----------
    **options
        For `numba.njit`. The function releases the GIL.

    Returns
    -------
    callable
        A decorator.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            cached: Callable[..., Any] = njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:  # nothing is writable: every process compiles for itself
            return njit(nogil=True, **options)(function)  # type: ignore[no-any-return]
        return cached

    return decorate

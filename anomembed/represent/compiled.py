"""Compile a loop by numba, and keep what was compiled where it can be kept.

What is kept counts as old when the file of the loop changes, not when only the file of another does that it calls.
"""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # noqa: ANN401
    """Compile a function, for the next process too where the package or the user's cache can be written.

    Parameters
    ----------
    **options
        Of `numba.njit`. The function runs without Python's lock.

    Returns
    -------
    callable
        A decorator.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            kept: Callable[..., Any] = njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:  # there is no such place: every process compiles for itself
            return njit(nogil=True, **options)(function)  # type: ignore[no-any-return]
        return kept

    return decorate

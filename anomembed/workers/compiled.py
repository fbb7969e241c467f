"""Loops in Python that numba compiles when they are first called, and keeps on disk for later processes where it can.

The cache of a function is invalidated when its own file changes, not when only the file of a function it calls does.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from threading import RLock, Thread
from types import FunctionType
from typing import Any

FEW_STEPS = 10_000  # of a loop: some .1 s in plain Python, where to load numba takes .3 s

_compiling = RLock()
_is_spared: ContextVar[bool] = ContextVar("_is_spared", default=False)


@contextmanager
def compiler_spared(*, is_spared: bool = True) -> Iterator[None]:
    """Do without numba where there is little to do, or do not: to explain a record takes a fifth less without it.

    Distances are rounded otherwise then. Of a record next to a normal one the raw score may differ by .01 nats.
    """
    before = _is_spared.set(is_spared)
    try:
        yield
    finally:
        _is_spared.reset(before)


def is_spared(n_steps: int) -> bool:
    """Tell whether to do so many steps without a compiled loop."""
    return _is_spared.get() and n_steps <= FEW_STEPS


class Loop:
    """A function that is compiled when it is first called, and with it those that it calls.

    Parameters
    ----------
    function : function
        Of plain Python; it releases the GIL when it is compiled.
    options : dict
        For `numba.njit`.
    """

    def __init__(self, function: FunctionType, options: dict[str, Any]) -> None:
        self._function = function
        self._options = options

    def __call__(self, *args: Any) -> Any:  # noqa: ANN401
        """Call the compiled function."""
        return self.machine_code(*args)

    def for_steps(self, n_steps: int) -> Callable[..., Any]:
        """Return what is soonest through so many steps: the function as it is written, or the compiled one."""
        return self._plain if is_spared(n_steps) else self.machine_code

    @cached_property
    def machine_code(self) -> Callable[..., Any]:
        """The compiled function."""
        with _compiling:  # two threads that call it first would each have one of their own, and compile both
            return self.__dict__.get("machine_code") or self._compiled()

    def _compiled(self) -> Callable[..., Any]:
        """Return what compiles the function when it is called, unless the package's or the user's cache has it."""
        from numba import njit

        function = self._calling(lambda loop: loop.machine_code)
        try:
            cached: Callable[..., Any] = njit(nogil=True, cache=True, **self._options)(function)
        except RuntimeError:  # nothing is writable: every process compiles for itself
            return njit(nogil=True, **self._options)(function)  # type: ignore[no-any-return]
        return cached

    @cached_property
    def _plain(self) -> Callable[..., Any]:
        return self._calling(lambda loop: loop._plain)

    def _calling(self, form: "Callable[[Loop], Callable[..., Any]]") -> FunctionType:
        """Return the function with the loops that it calls in one form: numba knows none but compiled ones."""
        function, known = self._function, self._function.__globals__
        loops = {name: known[name] for name in function.__code__.co_names if isinstance(known.get(name), Loop)}
        names = known | {name: form(loop) for name, loop in loops.items()}
        return FunctionType(function.__code__, names, function.__name__, function.__defaults__)


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Loop]:  # noqa: ANN401
    """Return a decorator that makes a `Loop` of a function; `options` are for `numba.njit`."""
    return lambda function: Loop(function, options)  # type: ignore[arg-type]


@compiled()
def _nothing():  # type: ignore[no-untyped-def]  # noqa: ANN202
    pass


def load_compiler() -> None:
    """Begin to load numba in a thread of its own: DuckDB, which is asked first, leaves Python the time."""
    Thread(target=_nothing, name="numba").start()  # the first loop that is called loads most of it

"""Hand out parts and take their results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from anomembed.errors import WorkersError
from anomembed.workers.pool import LostError, Pool, Result, Submit

AHEAD = 2  # parts per worker that are handed out before the result of the first is waited for
TRIES = 3  # times that a part is handed out

Part = TypeVar("Part")
Done = TypeVar("Done")


def in_order(pool: Pool, work: Callable[[Part], Done], parts: Iterable[Part]) -> Iterator[Done]:
    """Do work on parts, and yield the results in the order of the parts.

    Parameters
    ----------
    pool : Pool
        The workers.
    work : callable
        Turns a part into its result, which depends on the part alone.
    parts : iterable
        The parts; `AHEAD` per worker are in memory at a time.

    Raises
    ------
    WorkersError
        When the workers cannot be reached, or a part was lost `TRIES` times.
    """
    pending: deque[tuple[Part, Result]] = deque()
    with pool.start(work) as submit:
        try:
            for part in parts:
                pending.append((part, submit(part)))
                if len(pending) > AHEAD * pool.n_workers:
                    yield _take(*pending.popleft(), submit, pool.patience)
            while pending:
                yield _take(*pending.popleft(), submit, pool.patience)
        finally:
            for _, result in pending:
                result.cancel()


def _take(part: object, result: Result, submit: Submit, patience: float | None) -> Any:  # noqa: ANN401
    """Wait for the result of a part; when it is lost, hand the part out again."""
    n_lost = 0
    while True:
        try:
            return result.result(patience)
        except (LostError, TimeoutError) as error:
            if patience is None:  # then none is lost: it is an error of the work
                raise
            result.cancel()
            n_lost += 1
            if n_lost == TRIES:
                why = str(error) or f"no answer within {patience:g} seconds"
                raise WorkersError(f"workers lost a part of the records {TRIES} times; the last time: {why}") from error
            result = submit(part)

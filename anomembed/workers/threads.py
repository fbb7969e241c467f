"""Workers in threads of this process: most of the work is done by compiled code, which needs no lock of Python's."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from anomembed.workers.pool import Submit, Work


class Threads:
    """Workers in threads of this process, which are never lost.

    Parameters
    ----------
    n_workers : int
        Number of threads.
    """

    patience: float | None = None

    def __init__(self, n_workers: int) -> None:
        self.n_workers = n_workers

    def check(self) -> None:
        """Do nothing: threads are always there."""

    @contextmanager
    def start(self, work: Work) -> Iterator[Submit]:
        """Open the threads; see `Pool.start`."""
        threads = ThreadPoolExecutor(self.n_workers, "anomembed")
        try:
            yield lambda part: threads.submit(work, part)
        finally:
            threads.shutdown(cancel_futures=True)

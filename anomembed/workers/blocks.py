"""Run work on blocks of records in parallel; the work must release the GIL."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def in_blocks(work: Callable[[slice], None], n_records: int, size: int) -> None:
    """Call `work` for every block of `size` records.

    Parameters
    ----------
    work : callable
        Takes the slice of a block; its result must not depend on the other blocks.
    n_records : int
        Number of records.
    size : int
        Records per block.
    """
    blocks = [slice(start, min(start + size, n_records)) for start in range(0, n_records, size)]
    if len(blocks) < 2:  # a thread costs more than it saves
        for block in blocks:
            work(block)
        return
    with ThreadPoolExecutor(n_processors()) as pool:
        list(pool.map(work, blocks))


def n_processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

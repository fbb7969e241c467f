"""Let the reference of a refit forget with time: of records that are a half-lives old, a share of 2**-a is kept.

Which ones, a hash of the key decides, whatever the order of the rows: what has once been forgotten stays so, and all
that is learnt fades alike, counts, embeddings and detectors, by one condition.
"""

from dataclasses import dataclass
from math import ceil

from anomembed.config import Config
from anomembed.config.durations import NEVER, microseconds
from anomembed.fit.learnt import HELD_OUT_SHARE, MOST_HELD_OUT
from anomembed.monitor.learning import DEFAULT_THRESHOLD
from anomembed.read.columns import Column
from anomembed.read.table import Table

FEWEST = 20_000  # records that are kept: of which 3,000 calibrate, so that a tail of one in 1,000 is known to some 60 %


@dataclass(frozen=True)
class Memory:
    """How long a reference is remembered.

    Parameters
    ----------
    half_life : int
        Age, in positions, of which half is kept.
    fewest : int
        Records that are kept, however old they are.
    """

    half_life: int
    fewest: int

    def condition(self, table: Table, key: tuple[Column, ...], age: str, where: str) -> str:
        """Return the SQL condition of the records that are kept.

        Every record has a half-life with which it would be kept just so: its age over -log2 of its chance. Where fewer
        than `fewest` have one up to that which is set, the half-life is as much longer as it takes.

        Parameters
        ----------
        table : Table
            An open table.
        key : tuple of Column
            Its key.
        age : str
            SQL of the age of a record, in positions.
        where : str
            SQL condition of the records that there are to learn from.
        """
        own = f"({age}) / -log2({table.chance(key)})"
        kept = f"({where}) AND {own} <= "
        if table.count(f"{kept}{self.half_life}") >= self.fewest:
            return f"{kept}{self.half_life}"
        longest = table.smallest(own, self.fewest, where)
        return where if longest is None else f"{kept}{longest!r}"


def memory_of(config: Config) -> Memory | None:
    """Return how long a reference is remembered; None for ever.

    As many records are kept as the threshold takes to be calibrated, too.
    """
    if config.monitor.half_life == NEVER:
        return None
    threshold = config.flags.threshold or DEFAULT_THRESHOLD
    n_held_out = min(1 / threshold, MOST_HELD_OUT)
    return Memory(microseconds(config.monitor.half_life), max(FEWEST, ceil(n_held_out / HELD_OUT_SHARE)))

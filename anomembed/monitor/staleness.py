"""Whether a model is out of date: what all runs of a day have in common, so that no hour is taken for drift."""

from datetime import timedelta

from anomembed.monitor.clock import DAY, as_moment
from anomembed.views.reason import clean_text
from anomembed.write.drifts import Drifted, drift_since
from anomembed.write.store import Store

MOST_OF_IT = timedelta(hours=20)
LEAST_RECORDS = 200  # of a day
MOVED = 0.2  # divergence in every run of the day, from which a column has moved
EXCESS = 0.1  # of low tail probabilities in all of them, from which the model is out of date
MOST_TOLD = 2  # columns


def drift_words(store: Store, monitor: str, position: int) -> tuple[str, ...]:
    """Return in words how far the records of the last day are from the reference, where that matters.

    Parameters
    ----------
    store : Store
        An open store.
    monitor : str
        Name of the monitor.
    position : int
        The watermark, a time.
    """
    found = of_last_day(store, monitor, position)
    if found is None:
        return ()
    moved = sorted((-shift, name) for name, shift in found.shifts.items() if shift >= MOVED)
    words = [f"{clean_text(name)} moved by {-shift:.2f} from the reference" for shift, name in moved[:MOST_TOLD]]
    if found.tail_excess >= EXCESS:
        words.append(f"the model is out of date: {found.tail_excess:.0%} more of the ordinary records are far out")
    return tuple(words)


def of_last_day(store: Store, monitor: str, position: int) -> Drifted | None:
    """Return how far the records of the last day are from the reference; None while too few came since the model."""
    found = drift_since(store, monitor, str(as_moment(position) - DAY))
    return found if found and found.n_records >= LEAST_RECORDS and found.span >= MOST_OF_IT else None

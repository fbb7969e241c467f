"""Two synthetic tables with planted cases: card payments, and a log of who did what on which host.

`make_demo` draws them from habits. A customer has a home country, favourite shops, a phone, hours and a level of
spending; a department has its applications, an application its hosts and actions; service accounts work at night.
There is realistic noise: trips, odd hours, bulk purchases, borrowed devices, wrong passwords, people who help out in
another department.

A planted case is a normal record with one or a few values of another normal record: every value is common, only the
combination is abnormal, so counting rare values does not find it. `PAYMENT_KINDS` and `EVENT_KINDS` list the kinds and
their stories. All names are invented.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from anomembed.demo.events import EVENT_KINDS, make_events
from anomembed.demo.payments import PAYMENT_KINDS, make_payments

__all__ = ["EVENT_KINDS", "PAYMENT_KINDS", "DemoTables", "make_demo"]


@dataclass(frozen=True)
class DemoTables:
    """The demo's tables, sorted by time, and the truth about them.

    Attributes
    ----------
    payments : pl.DataFrame
        200,000 card payments of 2,000 customers in 13 weeks; the key is `payment_id`.
    payments_truth : pl.DataFrame
        `payment_id`, `kind` and `story` of the 100 planted payments.
    events : pl.DataFrame
        About 60,000 events in sessions that go from login to logout; the key is `event_id`.
    events_truth : pl.DataFrame
        `event_id`, `kind` and `story` of the 50 planted events.
    """

    payments: pl.DataFrame
    payments_truth: pl.DataFrame
    events: pl.DataFrame
    events_truth: pl.DataFrame


def make_demo(seed: int = 0) -> DemoTables:
    """Draw the demo's tables; the same seed gives the same tables.

    Parameters
    ----------
    seed : int
        Random seed.

    Returns
    -------
    DemoTables
        The two tables and the truth about their planted cases.
    """
    payments_rng, events_rng = np.random.default_rng(seed).spawn(2)
    return DemoTables(*make_payments(payments_rng), *make_events(events_rng))

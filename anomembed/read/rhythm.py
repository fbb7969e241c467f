"""How even the intervals between an entity's records with one target are: columns that are computed from the past.

Three records in a row have two intervals, of lengths a and b. Where records come by chance, |a - b| / (a + b) is as
likely to be small as large (it is uniform), and its -log is 1 on average: the local variation of intervals [1]_. A
beacon, a poll or a retry has intervals that hardly differ; bursts have ones that differ more than by chance.

.. [1] Shinomoto, Shima, Tanji: Differences in spiking patterns among cortical neurons. Neural Computation 15, 2003.
"""

import numpy as np

from anomembed.read.roles.assigned import Roles
from anomembed.read.roles.role import Role
from anomembed.read.streams import Floats, Streams
from anomembed.read.table import Table

RHYTHM = EVENNESS, COMPARED, INTERVAL, CONTACT = tuple(
    "past: " + name for name in ("evenness", "intervals compared", "seconds between", "contact")
)
LATEST = 31  # records whose intervals are compared
LEAST_DIFFERENCE = 0.01  # relative difference of two intervals below which they count as equal
LEAST_RECORDS = 1.2  # mean records of an entity with one target
LEAST_ENTITIES = 1.2  # mean entities of a target, which a session or a device of their own has not
UNITS = (86400, 3600, 60, 1)  # seconds that times may be multiples of
MICROSECONDS = 1_000_000


def find_target(table: Table, roles: Roles, entity: str) -> str:
    """Choose the column of what the entity is in contact with: that with the most values per entity.

    Parameters
    ----------
    table : Table
        The open table.
    roles : Roles
        Of its columns.
    entity : str
        Column that says who acts.

    Returns
    -------
    str
        That of the entity when there is no other, for intervals of all its records.
    """
    select = roles.select()
    names = [column.name for column in roles.of(Role.ENTITY, Role.CATEGORY) if column.name != entity]
    pairs = [f"approx_count_distinct(hash({select[entity]}, {select[name]}))" for name in names]
    values = [f"approx_count_distinct({select[name]})" for name in names]
    n_records, *counts = table.aggregate(["count(*)", *pairs, *values])
    found = {
        name: (n_pairs >= LEAST_ENTITIES * n_values, n_pairs)
        for name, n_pairs, n_values in zip(names, counts, counts[len(names) :], strict=False)
        if LEAST_RECORDS * n_pairs <= n_records
    }
    return max(found, key=lambda name: found[name], default=entity)


def find_resolution(table: Table, time: str) -> float:
    """Return the largest of `UNITS` that all times are multiples of, in seconds; 0 when they are finer.

    Parameters
    ----------
    table : Table
        The open table.
    time : str
        SQL of the time.
    """
    is_finer = [f"coalesce(bool_or(epoch_us({time}) % {unit * MICROSECONDS} <> 0), false)" for unit in UNITS]
    return float(next((unit for unit, finer in zip(UNITS, table.aggregate(is_finer), strict=True) if not finer), 0))


def find_rhythm(contacts: Streams, resolution: float) -> dict[str, Floats]:
    """Compute the columns of `RHYTHM`; NaN where fewer than two intervals can be compared.

    Parameters
    ----------
    contacts : Streams
        The records of every entity with every target.
    resolution : float
        Seconds that times are multiples of.
    """
    now = contacts.seconds
    last, last_but_one = contacts.before(now), contacts.before(now, 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = (np.abs(now - 2 * last + last_but_one) + resolution) / (now - last_but_one + resolution)
        even = np.where(now > last_but_one, -np.log(np.maximum(difference, LEAST_DIFFERENCE)), np.nan)
    evenness = contacts.latest(even, LATEST)
    intervals = contacts.latest(np.where(np.isnan(even), np.nan, now - last), LATEST)
    found = (
        evenness.means,
        evenness.counts.astype(np.float64),
        intervals.means,
        (contacts.places + 1).astype(np.float64),
    )
    return dict(zip(RHYTHM, found, strict=True))

"""What is to be reviewed: findings that nobody has spoken of yet."""

import json
from dataclasses import dataclass

from anomembed.write.model_acts import unit_of
from anomembed.write.queries import sql_of
from anomembed.write.store import Store


@dataclass(frozen=True)
class Item:
    """A finding that is to be reviewed.

    Parameters
    ----------
    key : str
        Key of its most abnormal flag that nobody has spoken of.
    run_id : int
        The run of that flag.
    finding_id : str or None
        The finding of a monitor; None for that of another run.
    n_flags : int
        Flags of the finding.
    tail_probability : float
        Of that flag.
    reason : str
        Its reason, in words.
    unit : str
        What was judged, in the plural: ``records`` or ``sequences``.
    """

    key: str
    run_id: int
    finding_id: str | None
    n_flags: int
    tail_probability: float
    reason: str
    unit: str


def items_to_review(store: Store) -> list[Item]:
    """Return the open findings of monitors, and those of the newest run over each table, the most abnormal first."""
    rows = store.rows(sql_of("to_review").replace("{verdicts}", sql_of("feedback")))
    return [Item(key, *about, unit_of(json.loads(roles))) for key, *about, roles in rows]  # type: ignore[call-arg]

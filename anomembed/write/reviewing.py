"""What is to be reviewed, findings that nobody has spoken of yet; and what was decided of one, kept or taken back."""

import json
from dataclasses import dataclass

from anomembed.errors import StoreError
from anomembed.write.acts import silence, unsilence
from anomembed.write.feedback import give_feedback
from anomembed.write.model_acts import unit_of
from anomembed.write.queries import sql_of
from anomembed.write.store import Store

NORMAL, ANOMALY, SILENCE = ACTS = ("normal", "anomaly", "silence")  # what may be decided of a finding
WEEK = 7 * 86_400  # seconds that a finding is silenced


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


def settle(store: Store, item: Item, act: str, note: str | None = None) -> str:
    """Keep what was decided of a finding; return what that means.

    Parameters
    ----------
    store : Store
        A store that is open to act.
    item : Item
        The finding.
    act : str
        One of `ACTS`.
    note : str, optional
        Why.

    Raises
    ------
    StoreError
        When it cannot be silenced: only findings of monitors make alerts.
    """
    if act != SILENCE:
        give_feedback(store, item.key, act, note, item.run_id)
        return act
    if item.finding_id is None:
        raise StoreError("only findings of a monitor make alerts that can be silenced")
    until = silence(store, item.finding_id, WEEK, note or "review")
    return f"silent until {until:%Y-%m-%d %H:%M} UTC"


def take_back(store: Store, item: Item, act: str) -> None:
    """Take back what `settle` kept; the parameters are the same."""
    if act == SILENCE:
        unsilence(store, item.finding_id or "")
    else:
        give_feedback(store, item.key, "withdrawn", None, item.run_id)

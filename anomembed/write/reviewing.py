"""What is to be reviewed: findings that nobody has spoken of yet."""

from dataclasses import dataclass

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
    record : str or None
        What the flag carries of its record, as JSON.
    """

    key: str
    run_id: int
    finding_id: str | None
    n_flags: int
    tail_probability: float
    reason: str
    record: str | None


def items_to_review(store: Store) -> list[Item]:
    """Return the open findings of monitors, and those of the newest run over each table, the most abnormal first."""
    rows = store.rows(sql_of("to_review").replace("{verdicts}", sql_of("feedback")))
    return [Item(*row) for row in rows]

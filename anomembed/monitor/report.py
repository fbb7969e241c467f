"""What a run did, as one line for people and as an object for machines."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from anomembed.monitor.clock import as_local, as_moment
from anomembed.write.sinks import inert

TABLE = "table"
FORMS = (TABLE, "json")


@dataclass
class Report:
    """What a run of a monitor did.

    Parameters
    ----------
    monitor : str
        Its name.
    is_time : bool
        Whether positions are times.
    zone : str
        Zone that times are shown in.
    unit : str
        What is judged, in the plural.
    since, until : int or None
        What was judged now, from and up to; None before anything was.
    model_id : int or None
        The model; None when none was needed.
    runs : list of int
        Runs in the store.
    n_scored, n_flagged : int
        Units judged and flagged.
    n_held : int
        How many of those flagged are held back, because a notice explains them.
    n_late, n_quarantined : int
        How many of those judged came late, or have no place in time.
    n_repeated, n_too_late, n_without_key : int
        How many were left out, because their key was judged, or they came too late, or have no key.
    notices : list of str
        What was noticed of the source as a whole, and what of that is over.
    drift : list of str
        How far the records of the last day are from the reference, where that matters.
    cautions : list of str
        What the model and the rule cannot flag, in the first run with them; values that are new and frequent.
    told : dict
        By channel, how many alerts it took, or why it took none.
    failing : list of str
        Channels that took none, as in many runs before.
    notes : list of str
        What else should be known.
    seconds : dict
        How long the run took, by step.
    is_begun, is_again, is_dry : bool
        Whether this is a first run, a period that was judged again, or a dry run.
    """

    monitor: str
    is_time: bool = True
    zone: str = "UTC"
    unit: str = "records"
    since: int | None = None
    until: int | None = None
    model_id: int | None = None
    runs: list[int] = field(default_factory=list)
    n_scored: int = 0
    n_flagged: int = 0
    n_held: int = 0
    n_late: int = 0
    n_quarantined: int = 0
    n_repeated: int = 0
    n_too_late: int = 0
    n_without_key: int = 0
    notices: list[str] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)
    told: dict[str, str | int] = field(default_factory=dict)
    failing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    is_begun: bool = False
    is_again: bool = False
    is_dry: bool = False

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the time that is spent within to that of a step."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - begun

    def line(self) -> str:
        """Return one line for people."""
        head = f"{self.monitor}: "
        if self.is_dry:
            head += "dry run, nothing kept or sent: "
        return head + ", ".join([self._judged(), *self._remarks()])

    def _judged(self) -> str:
        if not self.n_scored:
            where = "" if self.until is None else f" before {self._at(self.until)}"
            return f"nothing new{where}"
        span, held = "", f" ({self.n_held:,} of them held back)" if self.n_held else ""
        if self.since is not None and self.until is not None:
            span = f" from {self._at(self.since)} to {self._at(self.until)}"
        again, unit = (
            " again" if self.is_again else "",
            self.unit.removesuffix("s") if self.n_scored == 1 else self.unit,
        )
        return f"{self.n_scored:,} {unit} judged{again}{span}, {self.n_flagged:,} flagged{held}"

    def _remarks(self) -> list[str]:
        begun = []
        if self.is_begun and self.since is not None:
            where = f"{self._at(self.since - 1)}: what came before counts as known"
            begun = ["begun after its reference" if self.n_scored else f"begun after {where}"]
        counts = {
            f"{self.n_late:,} of them late": self.n_late,
            f"{self.n_quarantined:,} of them without a place in time or of the future": self.n_quarantined,
            f"{self.n_repeated:,} left out whose key was judged before": self.n_repeated,
            f"{self.n_too_late:,} not judged that came later than the lookback": self.n_too_late,
            f"{self.n_without_key:,} not judged that have no key": self.n_without_key,
        }
        told = [f"{channel} was told {count:,}" for channel, count in self.told.items() if isinstance(count, int)]
        counted = (text for text, count in counts.items() if count)
        untold = self.untold.values()
        return [*begun, *counted, *self.notices, *self.drift, *told, *untold, *self.notes]

    @property
    def untold(self) -> dict[str, str]:
        """What to say of every channel that did not take its alerts."""
        whys = {channel: why for channel, why in self.told.items() if isinstance(why, str)}
        return {channel: f"not told, to be tried again: {why}" for channel, why in whys.items()}

    def _at(self, position: int) -> str:
        return as_local(position, self.zone) if self.is_time else str(position)

    def as_json(self) -> dict[str, object]:
        """Return an object for machines, with the ends of what was judged in ISO format."""
        known = asdict(self)
        del known["seconds"]  # they differ from run to run
        for name in ("since", "until"):
            at = known[name]
            if at is not None and self.is_time:
                known[name] = as_moment(at).isoformat() + "Z"
        return known


def print_report(report: Report, form: str, *, is_quiet: bool) -> None:
    """Print what a run did on standard output: a line for people, or JSON; and its cautions on standard error.

    A quiet run prints which channel did not take its alerts: nobody else would say so. It does so less and less often.
    """
    for channel, failure in report.untold.items() if is_quiet else ():
        if channel not in report.failing:
            sys.stderr.write(inert(f"caution   {report.monitor}: {failure}") + "\n")
    for caution in report.cautions if not is_quiet else ():
        sys.stderr.write(inert(f"caution   {caution}") + "\n")
    if form == "json":
        sys.stdout.write(json.dumps(report.as_json()) + "\n")
    elif not is_quiet:
        sys.stdout.write(inert(report.line()) + "\n")

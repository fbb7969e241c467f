"""What a run did, as a file that Prometheus' node exporter collects, in the OpenMetrics format.

The file is written beside and then renamed, so that nobody reads half of it. A run that fails leaves it as it is, so
that the time of the last success grows old, and so does one that judges a period again.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from anomembed.monitor.looking import Asked
from anomembed.monitor.report import Report
from anomembed.write.files import completed
from anomembed.write.ledger import count_all, newest_unseen
from anomembed.write.store import Store

if TYPE_CHECKING:
    from anomembed.config import Config

SECOND = 1e-6  # of positions


class Metric(NamedTuple):
    """A family of metrics."""

    name: str
    kind: str
    unit: str
    help: str


COUNTERS = {
    "records": Metric("anomembed_records", "counter", "", "Records or sequences judged."),
    "flags": Metric("anomembed_flags", "counter", "", "Records or sequences flagged."),
    "late": Metric("anomembed_late_records", "counter", "", "Records judged that came late."),
    "too_late": Metric("anomembed_too_late_records", "counter", "", "Records not judged that came after the lookback."),
    "quarantined": Metric("anomembed_quarantined_records", "counter", "", "Records judged without a place in time."),
}
GAUGES = {
    "findings": Metric("anomembed_open_findings", "gauge", "", "Findings that are open."),
    "pending": Metric("anomembed_pending_alerts", "gauge", "", "Alerts that a channel has still to take."),
}
LAST = Metric("anomembed_last_success_timestamp_seconds", "gauge", "seconds", "When a run last succeeded.")
LAG = Metric("anomembed_watermark_lag_seconds", "gauge", "seconds", "How far the watermark is behind the clock.")
UNSEEN = Metric(
    "anomembed_unseen_ratio",
    "gauge",
    "ratio",
    "Share of the last records with a value that is not in the reference.",
)
STEPS = Metric("anomembed_step_seconds", "gauge", "seconds", "How long the steps of the last run took.")


def write_metrics(store: Store, asked: Asked, config: "Config", report: Report) -> None:
    """Write the metrics of a run to the file that the settings name; what keeps that from being done is noted.

    Parameters
    ----------
    store : Store
        An open store.
    asked : Asked
        What the run was asked for.
    config : Config
        Settings.
    report : Report
        What it did.
    """
    if config.monitor.metrics is None:
        return
    lines = [*_lines(store, asked, report), "# EOF"]
    try:
        with completed(Path(config.monitor.metrics)) as unfinished:
            unfinished.write_text("\n".join(lines) + "\n", encoding="utf-8")
            unfinished.chmod(0o644)  # another user collects it
    except OSError as error:
        report.notes.append(f"no metrics written: {error.strerror or error}")


def _lines(store: Store, asked: Asked, report: Report) -> Iterator[str]:
    label = f'monitor="{_escaped(report.monitor)}"'
    counts = count_all(store, report.monitor)
    for name, metric in COUNTERS.items():
        yield from (*_head(metric), f"{metric.name}_total{{{label}}} {counts[name]}")
    for name, metric in GAUGES.items():
        yield from (*_head(metric), f"{metric.name}{{{label}}} {counts[name]}")
    yield from (*_head(LAST), f"{LAST.name}{{{label}}} {asked.now * SECOND:.3f}")
    if report.is_time and report.until is not None:
        yield from (*_head(LAG), f"{LAG.name}{{{label}}} {(asked.now - report.until) * SECOND:.3f}")
    if unseen := newest_unseen(store, report.monitor):
        yield from _head(UNSEEN)
        for column, share in unseen.items():
            yield f'{UNSEEN.name}{{{label},column="{_escaped(column)}"}} {share:.6g}'
    yield from _head(STEPS)
    for step, seconds in report.seconds.items():
        yield f'{STEPS.name}{{{label},step="{step}"}} {seconds:.3f}'


def _head(metric: Metric) -> Iterator[str]:
    yield f"# TYPE {metric.name} {metric.kind}"
    if metric.unit:
        yield f"# UNIT {metric.name} {metric.unit}"
    yield f"# HELP {metric.name} {metric.help}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

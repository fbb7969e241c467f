"""Test what a monitor needs, without scoring, writing or sending anything: ``anomembed monitor CONFIG --check``."""

import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from anomembed.config import ChannelConfig, Config
from anomembed.config.expectations import expectation
from anomembed.errors import AnomembedError, StoreError
from anomembed.fit.model import find_roles
from anomembed.monitor.address import ChannelError, expanded
from anomembed.monitor.channels import arguments_of
from anomembed.monitor.clock import as_local
from anomembed.monitor.files import check_alerts, check_copy, check_metrics
from anomembed.monitor.learning import find_model, reference_of
from anomembed.monitor.looking import read_plan
from anomembed.monitor.notifier import notifier_of
from anomembed.monitor.plan import Plan
from anomembed.monitor.refitting import check_refit
from anomembed.monitor.report import Report
from anomembed.monitor.source import Source
from anomembed.monitor.webhook import WebhookError, reach
from anomembed.pipeline import Watcher
from anomembed.read.added import spelled
from anomembed.read.roles.assigned import match_roles
from anomembed.read.table import Table
from anomembed.write.database import stored_version
from anomembed.write.ledger import read_state
from anomembed.write.reading import open_to_read
from anomembed.write.schema import migrations


class Checked(NamedTuple):
    """One thing that was tested."""

    what: str
    said: str
    is_right: bool


def check_monitor(config: Config, name: str) -> Iterator[Checked]:
    """Test what a monitor needs, one thing after the other.

    Parameters
    ----------
    config : Config
        Settings.
    name : str
        Name of the monitor.

    Yields
    ------
    Checked
    """
    yield _tried("source", lambda: _source(config))
    store = _tried("store", lambda: _store(config, Path(config.store.path)))
    yield store
    if store.is_right:
        yield _tried("model", lambda: _model(config, name))
    if config.monitor.metrics:
        yield _tried("metrics", lambda: _metrics(config, Path(str(config.monitor.metrics))))
    for channel in config.monitor.channels:
        yield _tried(f"channel {channel.title}", lambda channel=channel: _channel(config, channel))  # type: ignore[misc]


def _tried(what: str, check: Callable[[], str]) -> Checked:
    try:
        return Checked(what, check(), is_right=True)
    except (AnomembedError, WebhookError) as error:
        return Checked(what, str(error), is_right=False)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        return Checked(what, f"{error.strerror or error}{where}", is_right=False)


def _source(config: Config) -> str:
    """Open the source, find the columns that the settings name, and try the conditions."""
    with Source(config, patience=0).opened() as table:
        for column in _named(config):
            spelled(column, table)
        n_records = table.count(config.source.where)
        reference = reference_of(config)
        learnt = f", {table.count(reference):,} to learn from" if reference else ""
        return f"{table.name}: {len(table.columns):,} columns, {n_records:,} records{learnt}"


def _named(config: Config) -> Iterator[str]:
    for names in config.roles.model_dump().values():
        yield from names
    sequence = config.sequence
    yield from (sequence.key,) if sequence.key else ()
    yield from (*sequence.order, *sequence.event)
    yield from (config.monitor.watermark,) if config.monitor.watermark else ()
    yield from (expectation(text).column for text in config.monitor.expect)


def _store(config: Config, path: Path) -> str:
    check_writable(path)
    check_copy(config)
    if not path.exists():
        return f"{path} will be made"
    version, newest = stored_version(path), len(migrations())
    if version > newest:
        raise StoreError(f"{path} was written by a newer anomembed (store version {version}, this one knows {newest})")
    later = f", will be upgraded to {newest}" if version < newest else ""
    return f"{path}, version {version}{later}"


def check_writable(path: Path) -> None:
    """Try whether a file can be written, and leave it as it is.

    Raises
    ------
    OSError
        When it cannot.
    """
    if path.exists():
        path.open("ab").close()
    tempfile.TemporaryFile(dir=path.parent).close()


def _model(config: Config, name: str) -> str:
    """Find the model and the watermark, and their columns in the table; of an older store only that it is one."""
    path = Path(config.store.path)
    if not path.exists() or stored_version(path) < len(migrations()):
        return _to_learn(config)
    source = Source(config, patience=0)
    with open_to_read(path) as store:
        state = read_state(store, name)
        try:
            known = find_model(store, source, Watcher(), may_learn=False)
        except StoreError:
            if state or reference_of(config) is None:
                raise
            return _to_learn(config)
        report = Report(name)
        plan = read_plan(source, state, report) if state else None
    with source.opened() as table:
        match_roles(known.model.roles, table)
        _check_plan(table, plan or Plan.of(table, known.model.roles, config), config)
        zone = table.time_zone
    fitted = f"{known.model_id}, fitted on {known.model.summary.n_reference:,} {known.model.unit}"
    if state is None or plan is None:
        return f"{fitted}; nothing judged yet"
    until = as_local(state.position, zone) if plan.watermark.is_time else str(state.position)
    return f"{fitted}; all before {until} has been judged, by {plan.watermark.column}"


def _to_learn(config: Config) -> str:
    if reference_of(config) is None:
        raise StoreError("there is none: run `anomembed fit` first, or set fit_where in [monitor]")
    with Source(config, patience=0).opened() as table:
        _check_plan(table, Plan.of(table, find_roles(table, config), config), config)
    return f"the first run learns it, where {reference_of(config)}"


def _check_plan(table: Table, plan: Plan, config: Config) -> None:
    plan.units(table, config)
    check_refit(config.monitor, plan, is_sequential=config.sequence.is_whole)


def _metrics(config: Config, path: Path) -> str:
    check_metrics(config)
    check_writable(path)
    return f"{path} can be written"


def _channel(config: Config, channel: ChannelConfig) -> str:
    check_alerts(config, channel)
    said: str = _CHANNELS[channel.kind](channel)
    return f"{said}, from level {channel.level}"


def _webhook(channel: ChannelConfig) -> str:
    reach(expanded(channel.to or ""), channel.seconds)
    return "its host answers"


def _command(channel: ChannelConfig) -> str:
    program = arguments_of(channel.to or "")[0]
    if shutil.which(program) is None:
        raise ChannelError(f"there is no command {shlex.quote(program)}")
    return "its command is there"


def _file(channel: ChannelConfig) -> str:
    check_writable(Path(expanded(channel.to or "")))
    return "its file can be written"


def _apprise(channel: ChannelConfig) -> str:
    notifier_of(expanded(channel.to or ""))
    return "apprise knows its address"


_CHANNELS: dict[str, Callable[[ChannelConfig], str]] = {
    "webhook": _webhook,
    "command": _command,
    "file": _file,
    "apprise": _apprise,
    "stdout": lambda _: "standard output",
}

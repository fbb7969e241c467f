"""``anomembed init``: write a commented configuration with the inferred roles and why."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anomembed.cli import options as o

if TYPE_CHECKING:
    from anomembed.config import Config, SequenceConfig
    from anomembed.read.table import Table
    from anomembed.write.template import Sizes

OutputFile = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Configuration file to write.")]

ForMonitor = Annotated[bool, typer.Option("--monitor", help="Add what `anomembed monitor` needs.")]


@o.with_settings(*o.READING, *o.ROLES, "fit_where", *o.VECTORS)
def init(
    database: o.Database,
    table: o.TableName = None,
    output: OutputFile = Path("anomembed.toml"),
    force: o.Force = False,
    for_monitor: ForMonitor = False,
    *,
    given: o.Given,
) -> None:
    """Write a commented configuration for fit and score.

    The TOML file gives every column its inferred role, with the reason, and lists the main settings.

    Example: anomembed init demo.duckdb payments -o payments.toml --ignore reviewed
    """
    from anomembed.config import make_config
    from anomembed.errors import ConfigError
    from anomembed.read.connecting import machine_zone
    from anomembed.read.roles.inference import infer_roles
    from anomembed.read.roles.role import Role
    from anomembed.read.roles.suggestion import suggest_entity
    from anomembed.read.table import Table
    from anomembed.read.vectors import read_vectors
    from anomembed.write.files import check_file, check_not_read, completed
    from anomembed.write.template import config_text

    config = make_config(given, "the options")
    embedding = config.embedding
    if embedding.vectors:
        read_vectors(embedding.vectors)
    if output.exists() and not force:
        raise ConfigError(f"{output} exists; give another name, or --force to overwrite it")
    check_file(
        output, "configuration", (), {"the source": database, "the file of vectors": embedding.vectors}, force=force
    )
    given_roles = {Role(name): names for name, names in config.roles.model_dump().items() if names}
    with Table(database, table, config.source.line_format, config.source.read) as opened:
        check_not_read(output, "configuration", {"a file that the records are read from": opened.files})
        roles = infer_roles(opened, given_roles, time_format=config.source.time_format)
        events = config.sequence.model_copy(update=_column_names(opened, config.sequence))
        suggestion = None if config.sequence.is_whole else suggest_entity(opened, roles)
        zone = {"time_zone": machine_zone()} if for_monitor else {}
        source = config.source.model_copy(update={"database": database, "table": table, **zone})
        config = config.model_copy(update={"sequence": events, "source": source})
        text = config_text(config, roles, _sizes(opened, config), output.parent, suggestion, is_monitored=for_monitor)
    with completed(output) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    _tell_next(output, is_monitored=for_monitor, has_key=bool(roles.key), learns=config.source.fit_where is not None)


def _tell_next(output: Path, *, is_monitored: bool, has_key: bool, learns: bool) -> None:
    """Say what comes next; the first run of a monitor learns by itself where it is said from what."""
    if is_monitored and not has_key:
        lacking = "a monitor needs a key, which names a record for good"
        typer.echo(f"caution   {lacking}: name it in roles.key of {output}", err=True)
    if is_monitored and learns:
        typer.echo(f"wrote {output}; next, in cron: anomembed monitor {output}", err=True)
        return
    typer.echo(f"wrote {output}; next: anomembed fit {output}", err=True)
    if is_monitored:
        typer.echo(f"then, in cron: anomembed monitor {output}", err=True)


def _sizes(table: "Table", config: "Config") -> "Sizes":
    """Count the records, and those of the reference, or its sequences where a key names them."""
    from anomembed.write.template import Sizes

    where, key = config.source.fit_where, config.sequence.key
    n_reference = table.count_distinct([table.column(key)], where) if key else table.count(where)
    return Sizes(table.count(), n_reference, "sequences" if key else "records")


def _column_names(table: "Table", sequence: "SequenceConfig") -> dict[str, str | tuple[str, ...]]:
    """Return the columns given for sequences and events, by setting, spelled as in the table."""
    key: dict[str, str | tuple[str, ...]] = {"key": table.column(sequence.key).name} if sequence.key else {}
    given = {"order": sequence.order, "event": sequence.event}
    return key | {setting: tuple(table.column(name).name for name in names) for setting, names in given.items()}

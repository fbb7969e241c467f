"""``anomembed init``: write a commented configuration with the inferred roles and why."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anomembed.cli import options as o

if TYPE_CHECKING:
    from anomembed.config import SequenceConfig
    from anomembed.read.table import Table

OutputFile = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The configuration file to write.")]


def init(
    database: o.Database,
    table: o.TableName = None,
    line_format: o.LineFormat = None,
    output: OutputFile = Path("anomembed.toml"),
    force: o.Force = False,
    key: o.Key = None,
    ignore: o.Ignore = None,
    category: o.Category = None,
    number: o.Number = None,
    text: o.Text = None,
    vector: o.Vector = None,
    entity: o.Entity = None,
    time: o.Time = None,
    sequence: o.SequenceKey = None,
    order: o.Order = None,
    event: o.Event = None,
    vectors: o.Vectors = None,
    vectors_use: o.VectorsUse = None,
) -> None:
    """Write a commented TOML file with the role of every column and the reason for it.

    Example: anomembed init demo.duckdb payments -o payments.toml --ignore reviewed
    """
    said = o.said_by(locals())
    from anomembed.config import make_config
    from anomembed.errors import ConfigError
    from anomembed.read.inference import infer_roles
    from anomembed.read.roles import Role
    from anomembed.read.suggestion import suggest_entity
    from anomembed.read.table import Table
    from anomembed.read.vectors import read_vectors
    from anomembed.write.template import config_text

    config = make_config(said, "the options")
    if vectors:
        read_vectors(vectors)
    if output.exists() and not force:
        raise ConfigError(f"{output} exists; give another name, or --force to replace it")
    told = {Role(name): names for name, names in config.roles.model_dump().items() if names}
    with Table(database, table, line_format) as opened:
        roles = infer_roles(opened, told)
        events = config.sequence.model_copy(update=_spelled(opened, config.sequence))
        suggestion = None if config.sequence.is_whole else suggest_entity(opened, roles)
        config = config.model_copy(update={"sequence": events})
        commented = config_text(config, roles, opened.count(), output.parent, suggestion)
    output.write_text(commented, encoding="utf-8")
    typer.echo(f"wrote {output}; next: anomembed fit {output}", err=True)


def _spelled(table: "Table", sequence: "SequenceConfig") -> dict[str, str | tuple[str, ...]]:
    """Return the columns that were given of sequences, spelled as the table has them."""
    key: dict[str, str | tuple[str, ...]] = {"key": table.column(sequence.key).name} if sequence.key else {}
    said = {"order": sequence.order, "event": sequence.event}
    return key | {setting: tuple(table.column(name).name for name in names) for setting, names in said.items()}

"""Options that several commands share, and the settings that they stand for."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any

import typer

from anomembed.represent.learners import list_names


class Format(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


Database = Annotated[str, typer.Argument(help="A DuckDB file, or a Parquet, CSV, NDJSON or log file or glob.")]
TableName = Annotated[str | None, typer.Argument(help='A table, a view or "SELECT ..."; not needed when there is one.')]
LineFormat = Annotated[
    str | None,
    typer.Option(
        metavar="FORMAT",
        help="Read lines of text: syslog, syslog-iso, combined, apache-error, python, log4j, plain, or a regular "
        "expression with named groups.",
        show_default="auto for .log files",
    ),
]
ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="A TOML file, such as `anomembed init` writes.")]


def _columns(name: str, text: str) -> Any:  # noqa: ANN401
    return typer.Option(f"--{name}", metavar="COL", help=text)


Key = Annotated[list[str] | None, _columns("key", "Names the record. Repeat for a key of several columns.")]
Ignore = Annotated[list[str] | None, _columns("ignore", "Not judged. Repeatable, like the following.")]
Category = Annotated[list[str] | None, _columns("category", "One of a set of values.")]
Number = Annotated[list[str] | None, _columns("number", "A magnitude.")]
Text = Annotated[list[str] | None, _columns("text", "Free text; its template and the parameters in it are judged.")]
Vector = Annotated[list[str] | None, _columns("vector", "A list of numbers, such as an embedding, judged as a whole.")]
Entity = Annotated[list[str] | None, _columns("entity", "Who acts; records are also judged against its others.")]
Time = Annotated[list[str] | None, _columns("time", "When; with --entity, also what was before.")]

SequenceKey = Annotated[
    str | None,
    typer.Option("--sequence", metavar="COL", help="Names the sequence of an event, to be judged as a whole."),
]
Order = Annotated[list[str] | None, _columns("order", "Puts the events of a sequence in order.")]
Event = Annotated[list[str] | None, _columns("event", "What happened, in a --sequence or by an --entity.")]

FitWhere = Annotated[str | None, typer.Option(metavar="SQL", help="Which records define normal; all by default.")]
Where = Annotated[str | None, typer.Option(metavar="SQL", help="Which records to score; all by default.")]
Clean = Annotated[
    bool | None,
    typer.Option(
        "--clean-reference/--mixed-reference",
        help="Are the records that define normal known to hold no anomalies?",
        show_default="mixed",
    ),
]
DetectorName = Annotated[
    str | None,
    typer.Option("--detector", metavar="NAME", help="auto, nearest or a detector of PyOD.", show_default="auto"),
]
METHODS = f"How values become vectors: {list_names()}."
EmbeddingName = Annotated[
    str | None,
    typer.Option("--embedding", metavar="NAME", help=METHODS, show_default="ppmi-svd"),
]
Vectors = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Vectors to begin with: word2vec text or binary, GloVe text, Parquet, a DuckDB table, or a store.",
    ),
]
VectorsUse = Annotated[
    str | None,
    typer.Option(
        metavar="HOW",
        help="start (learning begins there), frozen, or fine-tune (learning pulls back to them).",
        show_default="fine-tune",
    ),
]
Seed = Annotated[int | None, typer.Option(help="Same records and seed: same scores.", show_default="0")]

Alpha = Annotated[
    float | None,
    typer.Option(metavar="P", envvar="ANOMEMBED_ALPHA", help="Expected share of false flags among the flags."),
]
Budget = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        envvar="ANOMEMBED_BUDGET",
        help="The N most abnormal records.",
        show_default="20",
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(metavar="P", envvar="ANOMEMBED_THRESHOLD", help="Records with at most this tail probability."),
]

StorePath = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="FILE",
        envvar="ANOMEMBED_STORE",
        help="A DuckDB file for models, scores and flags.",
        show_default="anomembed.duckdb",
    ),
]
ModelId = Annotated[
    int | None,
    typer.Option(
        "--model",
        metavar="ID",
        help="A model of the store.",
        show_default="the newest; of score, with the same settings",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace the file when it exists.")]
ScoresTo = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the score of every record to this .parquet, .csv or .ndjson file."),
]
OutputFormat = Annotated[Format, typer.Option("--format", help="How results are printed.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
FailOnFlags = Annotated[bool, typer.Option("--fail-on-flags", help="Exit with 1 when a record is flagged.")]


SETTINGS = {
    "database": "source__database",
    "table": "source__table",
    "line_format": "source__line_format",
    "fit_where": "source__fit_where",
    "where": "source__where",
    "key": "roles__key",
    "ignore": "roles__ignore",
    "category": "roles__category",
    "number": "roles__number",
    "text": "roles__text",
    "vector": "roles__vector",
    "entity": "roles__entity",
    "time": "roles__timestamp",
    "sequence": "sequence__key",
    "order": "sequence__order",
    "event": "sequence__event",
    "clean_reference": "reference__clean",
    "detector": "detector__name",
    "embedding": "embedding__method",
    "vectors": "embedding__vectors",
    "vectors_use": "embedding__vectors_use",
    "seed": "seed",
    "alpha": "flags__alpha",
    "budget": "flags__budget",
    "threshold": "flags__threshold",
    "store": "store__path",
}
"""Which setting each option of a command stands for."""


def said_by(options: Mapping[str, Any]) -> dict[str, Any]:
    """Nest the options of a command as the settings that they stand for.

    Parameters
    ----------
    options : mapping
        The command's parameters by name; those that stand for no setting are left out.

    Examples
    --------
    >>> said_by({"time": ["at"], "quiet": True, "seed": None})
    {'roles': {'timestamp': ['at']}}
    """
    return settings(**{SETTINGS[name]: value for name, value in options.items() if name in SETTINGS})


def settings(**said: Any) -> dict[str, Any]:  # noqa: ANN401
    """Nest what was said on the command line, leaving out what was not.

    Parameters
    ----------
    **said
        Values by ``section__setting`` or ``setting``.

    Examples
    --------
    >>> settings(seed=None, source__table="payments", flags__budget=5)
    {'source': {'table': 'payments'}, 'flags': {'budget': 5}}
    """
    nested: dict[str, Any] = {}
    for name, value in said.items():
        if value is None:
            continue
        section, _, setting = name.rpartition("__")
        (nested.setdefault(section, {}) if section else nested)[setting] = value
    return nested


Said = dict[str, Any]
"""Settings, nested by section, that the options of `with_learning` stand for."""

LEARNING = {
    "line_format": LineFormat,
    "key": Key,
    "ignore": Ignore,
    "category": Category,
    "number": Number,
    "text": Text,
    "vector": Vector,
    "entity": Entity,
    "time": Time,
    "sequence": SequenceKey,
    "order": Order,
    "event": Event,
    "fit_where": FitWhere,
    "where": Where,
    "clean_reference": Clean,
    "detector": DetectorName,
    "embedding": EmbeddingName,
    "vectors": Vectors,
    "vectors_use": VectorsUse,
    "seed": Seed,
}
"""Options of every command that learns from a table that it is given, and not from a configuration alone."""


def with_learning(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options in `LEARNING`, in place of its parameter ``said``, which gets what was said by them.

    Parameters
    ----------
    command : callable
        Typer reads the signature of what is returned.
    """

    @wraps(command)
    def with_said(**arguments: Any) -> None:  # noqa: ANN401
        said = said_by({name: arguments.pop(name) for name in LEARNING})
        command(said=said, **arguments)

    options = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=kind) for name, kind in LEARNING.items()
    ]
    own = list(signature(command).parameters.values())
    place = [parameter.name for parameter in own].index("said")
    with_said.__signature__ = Signature([*own[:place], *options, *own[place + 1 :]])  # type: ignore[attr-defined]
    return with_said

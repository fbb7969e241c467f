"""The options of the command line: one row each in `SETTINGS` when they stand for a setting, else an alias below it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any

import typer

from anomembed.cli.choices import choice, listed
from anomembed.read.lines.formats import FORMATS
from anomembed.read.roles.role import LISTED
from anomembed.represent.learners import list_names
from anomembed.write.sinks import file_sinks, printed_sinks

METHODS = f"Method that learns the embeddings: {list_names()}."


def whole_number(text: str) -> int:
    """Return the whole number that was given.

    Raises
    ------
    typer.BadParameter
        When it is none.
    """
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number.") from None


def number(text: str) -> float:
    """Return the number that was given; see `whole_number`."""
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a number.") from None


NUMBERS = {int: whole_number, float: number}
"""What reads the values of options of numbers: what a library says of others is not for users."""


@dataclass(frozen=True)
class Setting:
    """An option that stands for a setting.

    Parameters
    ----------
    path : str
        The setting, such as ``source.where``.
    kind : Any
        Type of its value.
    metavar : str or None
        What the help shows for the value.
    help : str
        One sentence.
    default : str or None
        What the help shows as its default.
    flags : str or None
        How it is spelled; by default ``--`` and its name in `SETTINGS`.
    env : str or None
        Environment variable that gives the value too.
    """

    path: str
    kind: Any
    metavar: str | None
    help: str
    default: str | None = None
    flags: str | None = None
    env: str | None = None

    def parameter(self, name: str) -> Parameter:
        """Return the parameter of a command that Typer makes an option of."""
        option = typer.Option(
            self.flags or f"--{name.replace('_', '-')}",
            metavar=self.metavar,
            help=self.help,
            envvar=self.env,
            show_default=self.default or True,
            parser=NUMBERS.get(self.kind),
        )
        return Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[self.kind | None, option])


COLUMNS = list[str]
SETTINGS = {
    "line_format": Setting(
        "source.line_format",
        str,
        "FORMAT",
        f"Read lines of text as {', '.join(FORMATS)}, plain, or a regular expression with named groups.",
        "auto for logs",
    ),
    "read": Setting(
        "source.read",
        str,
        "OPTIONS",
        "Options of DuckDB's reader of data files, such as 'delim=;, encoding=latin-1, skip=3'.",
        "found out from the file",
    ),
    "time_format": Setting(
        "source.time_format",
        str,
        "FORMAT",
        "Format of times that are text, such as '%d/%m/%Y %H:%M'.",
        "what fits the column",
    ),
    **{
        role.option: Setting(f"roles.{role}", COLUMNS, "COL", f"{role.summary.removesuffix('.')} (repeatable).")
        for role in LISTED
    },
    "sequence": Setting(
        "sequence.key", str, "COL", "Judge whole sequences of events, identified by this column, instead of records."
    ),
    "order": Setting("sequence.order", COLUMNS, "COL", "Column that orders the events of a sequence."),
    "event": Setting("sequence.event", COLUMNS, "COL", "Column of what happened, in a --sequence or by an --entity."),
    "fit_where": Setting(
        "source.fit_where", str, "SQL", "Condition for the reference, the records that define normal.", "all records"
    ),
    "where": Setting("source.where", str, "SQL", "Condition for the records to score.", "all records"),
    "clean_reference": Setting(
        "reference.clean",
        bool,
        None,
        "Whether the reference is known to contain no anomalies.",
        "mixed",
        flags="--clean-reference/--mixed-reference",
    ),
    "detector": Setting(
        "detector.name", str, "NAME", "auto, nearest, or a PyOD detector, such as IForest or KNN.", "auto"
    ),
    "embedding": Setting("embedding.method", str, "NAME", METHODS, "ppmi-svd"),
    "vectors": Setting(
        "embedding.vectors",
        str,
        "FILE",
        "Embeddings to start from: word2vec or GloVe text, word2vec binary, Parquet, a DuckDB table, or a store.",
    ),
    "vectors_use": Setting(
        "embedding.vectors_use",
        str,
        "HOW",
        "How to use --vectors: start (train from them), frozen (keep them), or fine-tune (train, but stay near them).",
        "fine-tune",
    ),
    "seed": Setting("seed", int, "N", "Random seed; the same records and seed give the same scores.", "0"),
    "alpha": Setting(
        "flags.alpha",
        float,
        "P",
        "Flag so that at most this share of the flags is false, on average.",
        env="ANOMEMBED_ALPHA",
    ),
    "budget": Setting("flags.budget", int, "N", "Flag the N most abnormal records.", "20", env="ANOMEMBED_BUDGET"),
    "threshold": Setting(
        "flags.threshold",
        float,
        "P",
        "Flag records with a tail probability of at most P.",
        env="ANOMEMBED_THRESHOLD",
    ),
    "workers": Setting(
        "workers",
        str,
        "WHO",
        "Who scores: a number of threads, tcp://HOST:8786 for Dask, or ray; the scores are the same.",
        "a thread for every processor",
    ),
    "store": Setting(
        "store.path",
        str,
        "FILE",
        "DuckDB file for models, scores and flags; created when missing.",
        "anomembed.duckdb",
        env="ANOMEMBED_STORE",
    ),
}
ROLES = (*(role.option for role in LISTED), "sequence", "order", "event")
VECTORS = ("vectors", "vectors_use")
READING = ("line_format", "read", "time_format")
LEARNING = (
    *READING,
    *ROLES,
    "fit_where",
    "where",
    "clean_reference",
    "detector",
    "embedding",
    *VECTORS,
    "seed",
)
FLAG_RULE = ("alpha", "budget", "threshold")

Given = dict[str, Any]
"""Settings by section, as given on the command line."""


def with_settings(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Replace a command's parameter ``given`` by options; it gets their settings, nested by section.

    Parameters
    ----------
    *names : str
        Rows of `SETTINGS`.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def with_given(context: typer.Context, **arguments: Any) -> None:  # noqa: ANN401
            values = {name: arguments.pop(name) for name in names}
            from_env = {name for name in names if _is_from_environment(context, name)}
            if any(values[name] is not None for name in FLAG_RULE if name in values and name not in from_env):
                values |= dict.fromkeys(from_env.intersection(FLAG_RULE))  # one rule replaces another
            given = nested({SETTINGS[name].path: value for name, value in values.items()})
            command(given=given, **arguments)

        options = [SETTINGS[name].parameter(name) for name in names]
        own = list(signature(command).parameters.values())
        index = [parameter.name for parameter in own].index("given")
        context = Parameter("context", Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
        parameters = [context, *own[:index], *options, *own[index + 1 :]]
        with_given.__signature__ = Signature(parameters)  # type: ignore[attr-defined]  # Typer reads it
        return with_given

    return decorate


def _is_from_environment(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "ENVIRONMENT"


def nested(values: Mapping[str, Any]) -> Given:
    """Nest settings by section, leaving out those that are None.

    Examples
    --------
    >>> nested({"seed": None, "source.table": "payments", "flags.budget": 5})
    {'source': {'table': 'payments'}, 'flags': {'budget': 5}}
    """
    result: Given = {}
    for path, value in values.items():
        section, _, setting = path.rpartition(".")
        if value is not None:
            (result.setdefault(section, {}) if section else result)[setting] = value
    return result


TABLE = "table"  # the format for people

Database = Annotated[
    str,
    typer.Argument(
        help="DuckDB file, file or glob of Parquet, CSV, JSON or log lines, or address such as sqlite:///FILE."
    ),
]
TableName = Annotated[
    str | None, typer.Argument(help='Table, view or "SELECT ..."; not needed when the database has only one table.')
]
ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="TOML file, as `anomembed init` writes it.")]
ModelId = Annotated[
    int | None,
    typer.Option(
        "--model",
        metavar="ID",
        help="Model of the store.",
        show_default="the newest that fits",
        parser=whole_number,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the file, whatever it holds.")]
ScoresTo = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help=f"Write the score of every record to this {listed(file_sinks())} file."),
]
ReportTo = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write a page about the run to this .html file.")
]
OutputFormat = Annotated[str, choice("--format", [TABLE, *printed_sinks()], "Format of the results.")]
Flat = Annotated[bool, typer.Option("--flat", help="List every flag, also where several have one reason.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
FailOnFlags = Annotated[bool, typer.Option("--fail-on-flags", help="Exit with code 1 when a record is flagged.")]

"""Every setting, with its default and its bounds; the only home of defaults.

A configuration is a TOML file with one table per section below, or keyword arguments of `Config`. An unknown name is an
error that offers the nearest known one.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from anomembed.errors import ConfigError, nearest_name
from anomembed.represent.learners import LEARNERS, known_name, list_readers

Names = tuple[str, ...]
Share = Annotated[float, Field(gt=0, lt=1)]
Method = Annotated[str, AfterValidator(known_name), WithJsonSchema({"enum": list(LEARNERS), "type": "string"})]


class Section(BaseModel):
    """A frozen group of settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class SourceConfig(Section):
    """Where the records are."""

    database: str | None = None
    """A DuckDB file, or a Parquet, CSV, NDJSON or log file or glob; a relative path starts at this file."""
    table: str | None = None
    """A table, a view or a query; not needed when there is only one."""
    line_format: str | None = None
    """What the lines of a log are made of: ``auto``, a known format, or a regular expression with named groups."""
    fit_where: str | None = None
    """SQL condition of the records that define normal; all by default."""
    where: str | None = None
    """SQL condition of the records to score; all by default."""


class RolesConfig(Section):
    """Which columns play which part; what is not named is inferred."""

    key: Names = ()
    timestamp: Names = ()
    entity: Names = ()
    category: Names = ()
    number: Names = ()
    text: Names = ()
    vector: Names = ()
    ignore: Names = ()


class SequenceConfig(Section):
    """Events in order: whole sequences are judged when it is said what makes one; else each event where it stands."""

    key: str | None = None
    """Column that names the sequence of an event; one result for each of its values."""
    order: Names = ()
    """Columns that put the events of a sequence in order; the timestamp by default. Equal ones go by the event."""
    event: Names = ()
    """Columns that say what happened; several make one event together."""
    session_gap: str | None = Field(default=None, coerce_numbers_to_str=True)
    """Without a key: a session of an entity ends when nothing happens for so long, such as ``30m``."""
    window: str | None = Field(default=None, coerce_numbers_to_str=True)
    """Without a key: the events of an entity in a time window of this length, such as ``5m``."""
    length: int | None = Field(default=None, ge=1)
    """Without a key: so many events of an entity in a row."""
    step: int | None = Field(default=None, ge=1)
    """Events from the start of one run of `length` events to that of the next; `length` by default (no overlap)."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [name for name in ("key", "session_gap", "window", "length") if getattr(self, name) is not None]
        if len(ways) > 1:
            raise ValueError(f"say one of key, session_gap, window and length, not {' and '.join(ways)}")
        if ways and not self.event:
            raise ValueError("say which columns hold the event, by --event or sequence.event")
        return self

    @property
    def is_whole(self) -> bool:
        """Whether whole sequences are judged, and not single records."""
        return any(way is not None for way in (self.key, self.session_gap, self.window, self.length))


class ReferenceConfig(Section):
    """The records that define normal."""

    clean: bool = False
    """True when the reference is known to hold no anomalies; False (mixed) when nobody looked."""
    max_records: int = Field(default=200_000, ge=100)
    """Values are counted on all reference records; the rest is learnt from a sample of at most about so many."""


class TokensConfig(Section):
    """How values become tokens."""

    min_count: int = Field(default=1, ge=1)
    """Values seen less often in the reference are RARE; with 1, only those beyond `max_values`."""
    max_values: int = Field(default=100_000, ge=1)
    """Values kept per column; less frequent ones are RARE."""
    bins: int = Field(default=16, ge=2, le=256)
    """Quantile bins of a number, besides those below and above the reference's range."""


class EmbeddingConfig(Section):
    """How tokens become vectors."""

    method: Method = "ppmi-svd"
    width: Annotated[int, Field(ge=1, le=1024)] | Literal["auto"] = 16
    """Numbers per vector; lowered to what the vocabulary allows. ``auto``: by the size of the vocabulary, 16 to 64."""
    epochs: int | None = Field(default=None, ge=1, le=1000)
    """Times through the reference, at most; fewer when the loss no longer falls. Each method has its own by default."""
    learning_rate: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """At the start; each method has its own by default."""
    negatives: int = Field(
        default=5, ge=1, le=100, description=f"Values drawn for every true one, by {list_readers('negatives')}."
    )
    window: int = Field(
        default=3,
        ge=1,
        le=100,
        description=f"Events on either side of an event that are its context, for {list_readers('window')}.",
    )
    vectors: str | None = None
    """Vectors to begin with: word2vec or GloVe file, Parquet or DuckDB; a relative path starts at this file."""
    vectors_use: Literal["start", "frozen", "fine-tune"] | None = None
    """``start`` learning there, keep them ``frozen``, or ``fine-tune`` them (the default): learn with a pull back."""
    vectors_pull: float = Field(default=10, gt=0, allow_inf_nan=False)
    """fine-tune: an imported vector weighs as much as about so many records with its value."""

    @model_validator(mode="after")
    def _which_vectors(self) -> Self:
        if self.vectors_use is not None and self.vectors is None:
            raise ValueError("vectors_use says what to do with vectors; say which ones, by vectors")
        return self

    @property
    def given_width(self) -> int | None:
        """The width when somebody asked for one; else imported vectors say it."""
        return self.width if "width" in self.model_fields_set and self.width != "auto" else None


class DetectorConfig(Section):
    """How far a record is from normal."""

    name: str = "auto"
    """``auto``, ``nearest`` or the name of a PyOD detector."""


class FlagsConfig(Section):
    """Which records are flagged: one rule at most; a budget of 20 when none is given."""

    alpha: Share | None = None
    """Expected share of false flags among the flags (Benjamini-Hochberg)."""
    budget: int | None = Field(default=None, ge=1)
    """Flag the so many most abnormal records of a run."""
    threshold: Share | None = None
    """Flag every record with at most this tail probability."""

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        given = [name for name in ("alpha", "budget", "threshold") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"choose one of {', '.join(given)}")
        return self


class StoreConfig(Section):
    """Where models, scores and flags are kept."""

    path: str = "anomembed.duckdb"
    """A DuckDB file of anomembed's own; made when it does not exist. A relative path in a file starts at its folder."""


class Config(Section):
    """All settings.

    Examples
    --------
    >>> Config(flags={"budget": 5}).flags.budget
    5
    """

    seed: int = Field(default=0, ge=0, lt=2**32)
    """Same records, settings and seed: same scores."""
    source: SourceConfig = SourceConfig()
    roles: RolesConfig = RolesConfig()
    sequence: SequenceConfig = SequenceConfig()
    reference: ReferenceConfig = ReferenceConfig()
    tokens: TokensConfig = TokensConfig()
    embedding: EmbeddingConfig = EmbeddingConfig()
    detector: DetectorConfig = DetectorConfig()
    flags: FlagsConfig = FlagsConfig()
    store: StoreConfig = StoreConfig()

    @model_validator(mode="after")
    def _whose_events(self) -> Self:
        sequence = self.sequence
        if sequence.event and not sequence.is_whole and not self.roles.entity:
            raise ValueError(
                "say whose events these are: a sequence (key, session_gap, window or length) to judge it as a whole, "
                "or an entity and a time to judge each event after those of its entity before it"
            )
        if sequence.order and not sequence.is_whole:
            raise ValueError("an order is for whole sequences; single events go by the time")
        return self


def make_config(settings: Mapping[str, Any], origin: str = "the settings") -> Config:
    """Check nested settings.

    Parameters
    ----------
    settings : mapping
        Settings by section.
    origin : str
        Where they come from, for the message.

    Returns
    -------
    Config

    Raises
    ------
    ConfigError
        When a setting is unknown or out of its range.
    """
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(f"{origin}: {_sentence(error)}") from error


def load_config(path: Path, overrides: Mapping[str, Any] | None = None) -> Config:
    """Read a TOML file.

    Parameters
    ----------
    path : Path
        The file.
    overrides : mapping, optional
        Settings by section that win over the file's.

    Returns
    -------
    Config

    Raises
    ------
    ConfigError
        When the file cannot be read or a setting is wrong.
    """
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"no such configuration file: {path}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from error
    beside = _beside(settings, path.parent)
    said = make_config(beside, str(path))
    return make_config(merge(beside, overrides), f"the options, over {path}") if overrides else said


def _beside(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Let relative paths of a file start at its folder."""
    found = dict(settings)
    for section, name in (("source", "database"), ("embedding", "vectors"), ("store", "path")):
        values = found.get(section)
        if isinstance(values, Mapping) and isinstance(values.get(name), str):
            found[section] = {**values, name: str(folder / values[name])}
    return found


def merge(settings: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return `settings` with `overrides` on top, section by section; a flag rule replaces another.

    Examples
    --------
    >>> merge({"seed": 1, "source": {"table": "a"}}, {"source": {"where": "x"}})
    {'seed': 1, 'source': {'table': 'a', 'where': 'x'}}
    """
    merged = dict(settings)
    for name, value in overrides.items():
        below = merged.get(name)
        if isinstance(value, Mapping) and isinstance(below, Mapping) and name != "flags":
            merged[name] = {**below, **value}
        else:
            merged[name] = value
    return merged


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    place = [str(part) for part in first["loc"]]
    name = ".".join(place[:2])  # deeper is which of several types it might have been
    if first["type"] == "extra_forbidden":
        return f"unknown setting {name}{nearest_name(place[-1], _known(place[:-1]))}"
    if first["type"] == "tuple_type":
        such = f", such as [{first['input']!r}]" if isinstance(first["input"], str) else ""
        return f"{name} = {first['input']!r}: a list of names is needed{such}"
    message = first["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    if first["type"] == "value_error" and isinstance(first["input"], Mapping):  # settings that do not go together
        return f"{name}: {message}" if name else message
    return f"{name} = {first['input']!r}: {message}"


def _known(place: list[str]) -> list[str]:
    section: Any = Config
    for name in place:
        section = section.model_fields[name].annotation
    return list(section.model_fields)

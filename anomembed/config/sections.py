"""The settings by section, each with its default and its bounds; the only home of defaults.

The docstring of a field is its description in the configuration reference and the JSON Schema.
"""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, create_model, model_validator

from anomembed.config.monitoring import Length, MonitorConfig
from anomembed.config.reading import STORE
from anomembed.config.section import MOST, Condition, Names, Section, Share, TimeZone
from anomembed.read.roles.role import LISTED
from anomembed.represent.learners import LEARNERS, known_name, list_readers
from anomembed.workers.opening import check_workers

Workers = Annotated[str, Field(coerce_numbers_to_str=True), AfterValidator(check_workers)]
Method = Annotated[str, AfterValidator(known_name), WithJsonSchema({"enum": list(LEARNERS), "type": "string"})]


class SourceConfig(Section):
    """Where the records are."""

    database: str | None = None
    """A DuckDB file, a file or glob of Parquet, CSV, JSON or log lines, which its content decides, or an address such
    as ``sqlite:///shop.db``; in a configuration file, a relative path starts at its folder."""
    table: str | None = None
    """A table, a view or a query in SQL; by default the only table of the database."""
    line_format: str | None = None
    """Format of log lines: ``auto``, ``plain``, a known format, or a regular expression with named groups; by default
    ``auto`` for .log files."""
    read: str | None = None
    """Options of the reader of data files, which are DuckDB's, such as ``delim=;, encoding=latin-1, skip=3``; what is
    not given is found out."""
    time_format: str | None = None
    """Format of times that are text, such as ``%d/%m/%Y %H:%M``, as DuckDB's ``strptime`` takes it; by default the
    format that fits the column as a whole."""
    time_zone: TimeZone | None = None
    """Zone of times without one, such as ``Europe/Paris``, in windows and where conditions compare them with ``now()``;
    by default the machine's."""
    fit_where: Condition | None = None
    """SQL condition that selects the reference: the records that define normal; all records by default."""
    where: Condition | None = None
    """SQL condition that selects the records to score; all records by default."""


if TYPE_CHECKING:
    _Listed = Section
else:  # a field for each role with columns to list: the rows of `Role` are their only home
    _fields = {role.value: (Names, Field(default=(), description=role.summary)) for role in LISTED}
    _Listed = create_model("_Listed", __base__=Section, **_fields)


class RolesConfig(_Listed):
    """The columns with each role; the role of a column that is not listed is inferred."""

    if TYPE_CHECKING:

        def __init__(self, **columns: Names) -> None:
            """List the columns with some roles."""

        def __getattr__(self, role: str) -> Names:
            """Return the columns with a role."""


class SequenceConfig(Section):
    """Events in order: whole sequences are scored when `key`, `session_gap`, `window` or `length` is set."""

    key: str | None = None
    """Column that names the sequence of an event; each of its values is one result."""
    order: Names = ()
    """Columns that put the events of a sequence in order, ties by the event; the timestamp by default."""
    event: Names = ()
    """Columns that say what happened, together one event; without sequences, each event is scored after those of its
    entity before it."""
    session_gap: str | None = Field(default=None, coerce_numbers_to_str=True)
    """Forms sequences without a key: a pause of this duration, such as ``30m``, ends a session of an entity."""
    window: str | None = Field(default=None, coerce_numbers_to_str=True)
    """Forms sequences without a key: the events of an entity in a time window of this duration, such as ``5m``."""
    length: int | None = Field(default=None, ge=1, le=MOST)
    """Forms sequences without a key: this many consecutive events of an entity."""
    step: int | None = Field(default=None, ge=1, le=MOST)
    """Events from the start of one run of `length` events to the start of the next; `length` by default: no overlap."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [name for name in ("key", "session_gap", "window", "length") if getattr(self, name) is not None]
        if len(ways) > 1:
            raise ValueError(f"choose one of key, session_gap, window and length, not {' and '.join(ways)}")
        if ways and not self.event:
            raise ValueError("name the columns that hold the event, by --event or sequence.event")
        return self

    @property
    def is_whole(self) -> bool:
        """Whether whole sequences are scored, and not single records."""
        return any(way is not None for way in (self.key, self.session_gap, self.window, self.length))


class ReferenceConfig(Section):
    """The records that define normal."""

    clean: bool = False
    """True when the reference is known to hold no anomalies; false (a mixed reference) when that is unknown."""
    max_records: int = Field(default=200_000, ge=100, le=MOST)
    """About how many reference records to learn from, sampled when there are more; values are counted on all."""


class TokensConfig(Section):
    """How values become tokens."""

    min_count: int = Field(default=1, ge=1, le=MOST)
    """Reference records that a value needs to have a token of its own; rarer values share the token RARE."""
    max_values: int = Field(default=100_000, ge=1, le=MOST)
    """Most frequent values per column that have a token of their own; all others share the token RARE."""
    bins: int = Field(default=16, ge=2, le=256)
    """Quantile bins of a number, besides one below and one above the range of the reference."""


class EmbeddingConfig(Section):
    """How tokens become vectors."""

    method: Method = "ppmi-svd"
    """What learns the vectors; gru, cnn and autoencoder need the extra ``neural``."""
    width: Annotated[int, Field(ge=1, le=1024)] | Literal["auto"] = 16
    """Numbers per vector, fewer when the vocabulary is small; ``auto`` takes 16 to 64 by the size of the vocabulary."""
    epochs: int | None = Field(default=None, ge=1, le=1000)
    """Passes over the reference, fewer when the loss stops falling; by default 10 or 20, as the method needs."""
    learning_rate: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Step size at the start of learning; by default that of the method."""
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
    """Vectors to start from: a word2vec, GloVe, Parquet or DuckDB file; in a configuration file, a relative path starts
    at its folder."""
    vectors_use: Literal["start", "frozen", "fine-tune"] | None = None
    """What to do with `vectors`: ``start`` from them, keep them ``frozen``, or ``fine-tune`` them with a pull back to
    where they were; ``fine-tune`` by default."""
    vectors_pull: float = Field(default=10, gt=0, allow_inf_nan=False)
    """Strength of that pull: an imported vector weighs as much as about this many records with its value."""

    @model_validator(mode="after")
    def _which_vectors(self) -> Self:
        if self.vectors_use is not None and self.vectors is None:
            raise ValueError("vectors_use needs a file of vectors; name one, by --vectors or embedding.vectors")
        return self

    @property
    def given_width(self) -> int | None:
        """The width when the user set a number; otherwise imported vectors may decide it."""
        return self.width if "width" in self.model_fields_set and self.width != "auto" else None


class DetectorConfig(Section):
    """How far a record is from normal."""

    name: str = "auto"
    """A detector: ``nearest``, the name of one of PyOD, or ``auto``, which chooses one for the records."""


class FlagsConfig(Section):
    """Which records are flagged: one rule at most; by default a budget of 20."""

    alpha: Share | None = None
    """Expected share of false flags among all flags (Benjamini-Hochberg), between 0 and 1."""
    budget: int | None = Field(default=None, ge=1, le=MOST)
    """Number of records to flag in a run, the most abnormal first; 20 when no rule is set."""
    threshold: Share | None = None
    """Tail probability at or below which every record is flagged, between 0 and 1."""

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        given = [name for name in ("alpha", "budget", "threshold") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"choose one of {', '.join(given)}")
        return self


class StoreConfig(Section):
    """Where models, scores and flags are kept."""

    path: str = STORE
    """DuckDB file of anomembed's own, created when missing; in a configuration file, a relative path starts at its
    folder."""
    keep_scores: Length | None = None
    """How long ``monitor`` keeps the scores of records that it did not flag, such as ``30d``; by default for ever."""
    keep_runs: Length | None = None
    """How long ``monitor`` keeps its runs that flagged nothing, with their drift, until a row for each model has their
    totals; by default for ever."""
    snapshot: bool = False
    """Whether ``anomembed monitor`` leaves a copy of the store beside it after every run, called
    ``anomembed-snapshot.duckdb``, for shells that stay open."""


class Config(Section):
    """All settings.

    Examples
    --------
    >>> Config(flags={"budget": 5}).flags.budget
    5
    """

    seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of everything random; the same records, settings and seed give the same scores."""
    workers: Workers | None = None
    """Who scores, which does not change the scores: a number of threads, a Dask scheduler such as
    ``tcp://scheduler:8786``, or ``ray`` for the Ray cluster that the machine is part of; by default a thread for every
    processor."""
    source: SourceConfig = SourceConfig()
    """Where the records are."""
    roles: RolesConfig = RolesConfig()
    """The columns with each role; the role of a column that is not listed is inferred."""
    sequence: SequenceConfig = SequenceConfig()
    """Events in order."""
    reference: ReferenceConfig = ReferenceConfig()
    """The records that define normal."""
    tokens: TokensConfig = TokensConfig()
    """How values become tokens."""
    embedding: EmbeddingConfig = EmbeddingConfig()
    """How tokens become vectors."""
    detector: DetectorConfig = DetectorConfig()
    """How far a record is from normal."""
    flags: FlagsConfig = FlagsConfig()
    """Which records are flagged."""
    store: StoreConfig = StoreConfig()
    """Where models, scores and flags are kept."""
    monitor: MonitorConfig = MonitorConfig()
    """What ``anomembed monitor`` does in every run."""

    @model_validator(mode="after")
    def _has_entity(self) -> Self:
        sequence = self.sequence
        if sequence.event and not sequence.is_whole and not self.roles.entity:
            raise ValueError(
                "an event needs a sequence (key, session_gap, window or length), to score it as a whole, or an entity "
                "and a time, to score each event after those of its entity before it"
            )
        if sequence.order and not sequence.is_whole:
            raise ValueError("an order is for whole sequences; single events are ordered by time")
        return self

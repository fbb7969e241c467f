"""The store: one DuckDB file that holds all that anomembed learnt and found.

It is made to be read in SQL, without Python: ``store.sql`` has its tables and macros. All that a run writes is one
transaction: scores, flags and contributions land together, or nothing does.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import polars as pl

from anomembed.errors import LockedError, StoreError
from anomembed.read.source import holder, quote_identifier, quote_text

VERSION = 1
STAGED, CHOSEN = "staged_scores", "chosen_flags"


@dataclass(frozen=True)
class ModelRecord:
    """What the store keeps about a model, besides its parts.

    Parameters
    ----------
    source : str
        Where the reference came from.
    n_reference : int
        Reference records.
    config, roles, summary, versions : str
        JSON.
    tokens : pl.DataFrame
        ``token_id``, ``column_name``, ``token``, ``kind``, ``n_records``, ``embedding``, ``context``.
    pairs : pl.DataFrame
        ``token_id``, ``other_id``, ``n_records``.
    losses : tuple of float
        Of the epochs in which the embeddings were learnt.
    """

    source: str
    n_reference: int
    config: str
    roles: str
    summary: str
    versions: str
    tokens: pl.DataFrame
    pairs: pl.DataFrame
    losses: tuple[float, ...] = ()


class Store:
    """An open store; use as a context manager.

    Parameters
    ----------
    path : str or Path
        The DuckDB file; made when it does not exist.
    must_exist : bool, default=False
        Refuse to make a new one.

    Raises
    ------
    StoreError
        When the file is no store, or of a newer version.
    LockedError
        When another process has it open.
    """

    def __init__(self, path: str | Path, *, must_exist: bool = False) -> None:
        self.path = Path(path)
        if must_exist and not self.path.is_file():
            raise StoreError(f"no store at {self.path.absolute()}: run `anomembed fit` first, or name it by --store")
        if not self.path.parent.is_dir():
            raise StoreError(f"no such folder for the store: {self.path.parent}")
        is_new = not self.path.exists()
        with self._clear_errors():
            self._connection = duckdb.connect(str(self.path), config={"autoinstall_known_extensions": "false"})
        try:
            self._prepare(is_new=is_new)
        except BaseException:
            self._connection.close()
            if is_new:
                self._remove()
            raise
        self._is_unused = is_new

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()
        if self._is_unused:  # a command that failed leaves no empty store behind
            self._remove()

    def _remove(self) -> None:
        for path in (self.path, self.path.with_name(f"{self.path.name}.wal")):
            path.unlink(missing_ok=True)

    def add_model(self, record: ModelRecord, parts: Mapping[str, bytes]) -> int:
        """Keep a model; call it within a `transaction`.

        Returns
        -------
        int
            Its id, larger than all before.
        """
        connection = self._connection
        model_id = self._next("models", "model_id")
        connection.execute(
            "INSERT INTO models VALUES (?, now() AT TIME ZONE 'UTC', ?, ?, ?, ?, ?, ?)",
            [model_id, record.source, record.n_reference, record.config, record.roles, record.summary, record.versions],
        )
        connection.executemany(
            "INSERT INTO model_parts VALUES (?, ?, ?)", [[model_id, name, part] for name, part in parts.items()]
        )
        with _registered(connection, "new_tokens", record.tokens):
            connection.execute(f"INSERT INTO tokens SELECT {model_id}, * FROM new_tokens")
        with _registered(connection, "new_pairs", record.pairs):
            connection.execute(f"INSERT INTO pairs SELECT {model_id}, * FROM new_pairs")
        losses = pl.DataFrame(
            {"epoch": range(1, len(record.losses) + 1), "loss": record.losses},
            schema={"epoch": pl.Int32, "loss": pl.Float64},
        )
        with _registered(connection, "new_losses", losses):
            connection.execute(f"INSERT INTO losses SELECT {model_id}, * FROM new_losses")
        return model_id

    def find_model(self, model_id: int | None = None) -> int:
        """Return the id of a model, the newest by default.

        Raises
        ------
        StoreError
            When there is no such model.
        """
        known = [row[0] for row in self._connection.execute("SELECT model_id FROM models ORDER BY ALL").fetchall()]
        if not known:
            raise StoreError(f"there is no model in {self.path}: run `anomembed fit` first")
        if model_id is not None and model_id not in known:
            raise StoreError(f"there is no model {model_id} in {self.path}; there are: {', '.join(map(str, known))}")
        return int(known[-1] if model_id is None else model_id)

    def model_parts(self, model_id: int | None = None) -> tuple[int, dict[str, bytes]]:
        """Return the id and the parts of a model; see `find_model`."""
        chosen = self.find_model(model_id)
        rows = self._connection.execute("SELECT name, content FROM model_parts WHERE model_id = ?", [chosen]).fetchall()
        return chosen, dict(rows)

    def stage(self, batches: Iterable[pl.DataFrame]) -> int:
        """Take in scores, batch by batch, into a temporary table that spills to disk.

        Parameters
        ----------
        batches : iterable of pl.DataFrame
            Key columns, ``raw_score``, ``tail_probability`` and ``view``.

        Returns
        -------
        int
            Records staged.
        """
        n_records = 0
        self._connection.execute(f"DROP TABLE IF EXISTS {STAGED}")
        for batch in batches:
            with self._clear_errors(), _registered(self._connection, "new_scores", batch):
                if n_records == 0:
                    self._connection.execute(f"CREATE TEMP TABLE {STAGED} AS FROM new_scores")
                else:
                    self._connection.execute(f"INSERT INTO {STAGED} FROM new_scores")
            n_records += batch.height
        return n_records

    def add_run(
        self, model_id: int, about: Mapping[str, Any], key: Sequence[str], flags: pl.DataFrame, parts: pl.DataFrame
    ) -> int:
        """Keep the staged scores and their flags as a run; call it within a `transaction`.

        Parameters
        ----------
        model_id : int
            The model that scored.
        about : mapping
            ``source``, ``condition``, ``rule`` and ``n_scored``.
        key : sequence of str
            Key columns.
        flags : pl.DataFrame
            Key columns, ``rank``, ``raw_score``, ``tail_probability``, ``extrapolated``, ``view``, ``reason``.
        parts : pl.DataFrame
            ``rank``, ``view``, ``column_name``, ``value``, ``contribution``, ``expected``.

        Returns
        -------
        int
            The run's id, larger than all before.
        """
        connection, same = self._connection, ", ".join(map(quote_identifier, key))
        with _registered(connection, "new_flags", flags):
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {CHOSEN} AS FROM new_flags")
        with _registered(connection, "new_parts", parts):
            run_id = self._next("runs", "run_id")
            connection.execute(
                "INSERT INTO runs VALUES (?, ?, now() AT TIME ZONE 'UTC', ?, ?, ?, ?, ?)",
                [run_id, model_id, about["source"], about["condition"], about["rule"], about["n_scored"], flags.height],
            )
            connection.execute(
                f"INSERT INTO scores SELECT {run_id}, {_key_text(key, 's')}, s.raw_score, s.tail_probability, "
                f"f.rank IS NOT NULL, s.view FROM {STAGED} s LEFT JOIN {CHOSEN} f USING ({same})"
            )
            connection.execute(
                f"INSERT INTO flags SELECT {run_id}, {_key_text(key, 'f')}, rank, raw_score, tail_probability, "
                f"extrapolated, view, reason FROM {CHOSEN} f ORDER BY rank"
            )
            connection.execute(
                f"INSERT INTO contributions SELECT {run_id}, {_key_text(key, 'f')}, p.view, p.column_name, p.value, "
                f"p.contribution, p.expected FROM new_parts p JOIN {CHOSEN} f USING (rank) "
                "ORDER BY rank, p.contribution DESC, p.column_name, p.view"
            )
        return run_id

    def copy_scores(self, key: Sequence[str], path: Path, options: str, *, escape: bool) -> None:
        """Write the staged scores to a file, one row for every record.

        Parameters
        ----------
        key : sequence of str
            Key columns.
        path : Path
            The file; overwritten.
        options : str
            Options of DuckDB's COPY.
        escape : bool
            Keep spreadsheets from taking text for a formula.
        """
        same = ", ".join(map(quote_identifier, key))
        reason = "coalesce(f.reason, '')"
        query = (
            f"SELECT {same}, s.raw_score, s.tail_probability, f.rank IS NOT NULL AS flagged, s.view, "
            f"{reason} AS reason FROM {STAGED} s LEFT JOIN {CHOSEN} f USING ({same}) ORDER BY s.raw_score DESC, {same}"
        )
        with self._clear_errors():
            if escape:
                query = f"SELECT {_escaped(self._connection.sql(query))} FROM ({query})"
            self._connection.execute(f"COPY ({query}) TO {quote_text(str(path))} ({options})")

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query on the store."""
        with self._clear_errors():
            return self._connection.execute(query, list(parameters)).fetchall()

    def frame(self, query: str, parameters: Sequence[Any] = ()) -> pl.DataFrame:
        """Return the rows of a query on the store as a frame."""
        with self._clear_errors():
            return pl.DataFrame(self._connection.sql(query, params=list(parameters)).pl())

    def _prepare(self, *, is_new: bool) -> None:
        with self._clear_errors():
            listed = (
                "SELECT table_name FROM duckdb_tables() UNION SELECT view_name FROM duckdb_views() WHERE NOT internal"
            )
            tables = {row[0] for row in self._connection.execute(listed).fetchall()}
            if tables and "store_version" not in tables:
                raise StoreError(f"{self.path} is a database of something else; choose another file for the store")
            version = self._connection.execute("SELECT max(version) FROM store_version").fetchone() if tables else None
            if version and version[0] > VERSION:
                raise StoreError(
                    f"{self.path} was written by a newer anomembed (store version {version[0]}, known here: "
                    f"{VERSION}); upgrade anomembed"
                )
            if is_new or "losses" not in tables:  # the newest table: older stores get what they lack
                with self.transaction() as connection:
                    connection.execute(files("anomembed.write").joinpath("store.sql").read_text())
                    connection.execute("DELETE FROM store_version")
                    connection.execute("INSERT INTO store_version VALUES (?)", [VERSION])
            self._connection.execute("SET memory_limit = '512MB'")
            self._connection.execute("SET enable_progress_bar = false")  # DuckDB's goes to standard output

    def _next(self, table: str, column: str) -> int:
        rows = self._connection.execute(f"SELECT coalesce(max({column}), 0) + 1 FROM {table}").fetchall()
        return int(rows[0][0])

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Make all that is written within it land together, or not at all."""
        with self._clear_errors():
            self._connection.execute("BEGIN")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(duckdb.Error):  # a commit that failed has rolled back by itself
                    self._connection.execute("ROLLBACK")
                raise
        self._is_unused = False

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            first = str(error).splitlines()[0]
            if "lock on file" in first:
                said = f"{self.path} is locked by another process{holder(first)}; try again later"
                raise LockedError(said) from error
            if "not a valid DuckDB" in first:
                raise StoreError(f"{self.path} is not a DuckDB file; choose another file for the store") from error
            raise StoreError(f"{self.path}: {first}") from error


@contextmanager
def _registered(connection: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> Iterator[None]:
    connection.register(name, frame)
    try:
        yield
    finally:
        with suppress(duckdb.Error):  # in an aborted transaction; the error that aborted it is the one to show
            connection.unregister(name)


def _key_text(key: Sequence[str], table: str) -> str:
    """Return SQL of a record's key as text: the value itself, or JSON when there are several columns."""
    if len(key) == 1:
        return f"CAST({table}.{quote_identifier(key[0])} AS VARCHAR)"
    fields = ", ".join(f"{quote_text(name)}: {table}.{quote_identifier(name)}" for name in key)
    return f"CAST(to_json({{{fields}}}) AS VARCHAR)"


def _escaped(relation: duckdb.DuckDBPyRelation) -> str:
    columns = []
    for name, kind in zip(relation.columns, relation.types, strict=True):
        quoted, text = quote_identifier(name), f"CAST({quote_identifier(name)} AS VARCHAR)"
        formula = f"CASE WHEN regexp_matches({text}, '^[=+@\\t\\r-]') THEN '''' || {text} ELSE {text} END AS {quoted}"
        columns.append(formula if kind.id in ("varchar", "enum", "blob") else quoted)
    return ", ".join(columns)


def write_tables(path: Path, frames: Mapping[str, pl.DataFrame]) -> None:
    """Write frames as the tables of a new DuckDB file.

    Parameters
    ----------
    path : Path
        The file; it must not exist.
    frames : mapping of str to pl.DataFrame
        Tables by name.
    """
    with duckdb.connect(str(path)) as connection:
        for name, frame in frames.items():
            with _registered(connection, "new_table", frame):
                connection.execute(f"CREATE TABLE {quote_identifier(name)} AS FROM new_table")

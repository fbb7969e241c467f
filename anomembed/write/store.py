"""The store: one DuckDB file that holds everything anomembed learnt or found.

It is made to be read in SQL, without Python. Each run is written in one transaction: scores, flags and contributions
land together, or not at all. `database` opens the file, `schema` has its tables and macros.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from anomembed.errors import StoreError
from anomembed.read.quoting import quote_identifier, quote_text
from anomembed.write.database import Database, registered

if TYPE_CHECKING:
    import polars as pl

STAGED, CHOSEN = "staged_scores", "chosen_flags"


@dataclass(frozen=True)
class ModelRecord:
    """What the store has about a model besides its parts.

    Parameters
    ----------
    source : str
        The table or query that the reference was read from.
    n_reference : int
        Reference records.
    config, roles, summary, versions : str
        JSON.
    tokens : pl.DataFrame
        ``token_id``, ``column_name``, ``token``, ``kind``, ``n_records``, ``embedding``, ``context``, ``low`` and
        ``high``.
    pairs : pl.DataFrame
        ``token_id``, ``other_id``, ``n_records``.
    losses : tuple of float
        Loss of every epoch; empty for learners without epochs.
    """

    source: str
    n_reference: int
    config: str
    roles: str
    summary: str
    versions: str
    tokens: "pl.DataFrame"
    pairs: "pl.DataFrame"
    losses: tuple[float, ...] = ()


class Store(Database):
    """An open store; use as a context manager."""

    def add_model(self, record: ModelRecord, parts: Mapping[str, bytes]) -> int:
        """Save a model; call it within a `transaction`.

        Returns
        -------
        int
            Its id, the highest so far.
        """
        import polars as pl

        connection = self._connection
        model_id = self._next("models", "model_id")
        connection.execute(
            "INSERT INTO models SELECT ?, now() AT TIME ZONE 'UTC', ?, ?, c.config, ?, ?, ?, NULL, "
            "c.config->>'$.source.database', NULL, NULL FROM (SELECT ?::JSON AS config) c",
            [model_id, record.source, record.n_reference, record.roles, record.summary, record.versions, record.config],
        )
        connection.executemany(
            "INSERT INTO model_parts VALUES (?, ?, ?)", [[model_id, name, part] for name, part in parts.items()]
        )
        with registered(connection, "new_tokens", record.tokens):
            connection.execute(f"INSERT INTO tokens SELECT {model_id}, * FROM new_tokens")
        with registered(connection, "new_pairs", record.pairs):
            connection.execute(f"INSERT INTO pairs SELECT {model_id}, * FROM new_pairs")
        losses = pl.DataFrame(
            {"epoch": range(1, len(record.losses) + 1), "loss": record.losses},
            schema={"epoch": pl.Int32, "loss": pl.Float64},
        )
        with registered(connection, "new_losses", losses):
            connection.execute(f"INSERT INTO losses SELECT {model_id}, * FROM new_losses")
        return model_id

    def find_model(self, model_id: int | None = None) -> int:
        """Return the id of a model; without one, that of the newest.

        Raises
        ------
        StoreError
            When there is no such model.
        """
        rows = self._connection.execute("SELECT model_id, state FROM models ORDER BY ALL").fetchall()
        known, ready = [row[0] for row in rows], [model for model, state in rows if state is None]
        if not (known if model_id else ready):
            raise StoreError(f"no model in {self.path}: run `anomembed fit` first")
        if model_id is not None and model_id not in known:
            raise StoreError(f"no model {model_id} in {self.path}; there are: {', '.join(map(str, known))}")
        return int(ready[-1] if model_id is None else model_id)

    def model_parts(self, model_id: int | None = None) -> tuple[int, dict[str, bytes]]:
        """Return the id and the parts of a model; see `find_model`."""
        chosen = self.find_model(model_id)
        rows = self._connection.execute("SELECT name, content FROM model_parts WHERE model_id = ?", [chosen]).fetchall()
        if not rows and self.rows("FROM models WHERE model_id = ? AND state = 'pruned'", [chosen]):
            raise StoreError(f"model {chosen} in {self.path} was pruned: choose another with --model, or fit again")
        return chosen, dict(rows)

    def stage(self, batches: "Iterable[pl.DataFrame]") -> int:
        """Collect scores in a temporary table, which spills to disk.

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
            with self._clear_errors(), registered(self._connection, "new_scores", batch):
                if n_records == 0:
                    self._connection.execute(f"CREATE TEMP TABLE {STAGED} AS FROM new_scores")
                else:
                    self._connection.execute(f"INSERT INTO {STAGED} FROM new_scores")
            n_records += batch.height
        return n_records

    def stage_nothing(self, scores: "pl.DataFrame", flags: "pl.DataFrame") -> None:
        """Stage the scores and flags of a run without records, for an empty file of scores; both have their columns."""
        self.stage([scores])
        with self._clear_errors(), registered(self._connection, "new_flags", flags):
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {CHOSEN} AS FROM new_flags")

    def add_run(
        self, model_id: int, about: Mapping[str, Any], key: Sequence[str], flags: "pl.DataFrame", parts: "pl.DataFrame"
    ) -> int:
        """Save the staged scores and their flags as a run; call it within a `transaction`.

        Parameters
        ----------
        model_id : int
            The model that scored.
        about : mapping
            ``source``, ``condition``, ``rule`` and ``n_scored``; ``database`` and ``config``, which are those of the
            model otherwise; of a monitor, other columns too.
        key : sequence of str
            Key columns.
        flags : pl.DataFrame
            Key columns, ``rank``, ``raw_score``, ``tail_probability``, ``extrapolated``, ``view``, ``reason``,
            ``record_values`` and ``finding``.
        parts : pl.DataFrame
            ``rank``, ``view``, ``column_name``, ``value``, ``contribution``, ``expected``.

        Returns
        -------
        int
            The run's id, the highest so far.
        """
        connection, same = self._connection, ", ".join(map(quote_identifier, key))
        with registered(connection, "new_flags", flags):
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {CHOSEN} AS FROM new_flags")
        with registered(connection, "new_parts", parts):
            settings = self._settings_of(model_id) if "config" not in about else {}
            run_id = self.add_run_row({"model_id": model_id, **settings, **about, "n_flagged": flags.height})
            connection.execute(
                f"INSERT INTO scores SELECT {run_id}, {key_text(key, 's')}, s.raw_score, s.tail_probability, "
                f"f.rank IS NOT NULL, coalesce(f.view, s.view) FROM {STAGED} s LEFT JOIN {CHOSEN} f USING ({same})"
            )
            connection.execute(
                f"INSERT INTO flags SELECT {run_id}, {key_text(key, 'f')}, rank, raw_score, tail_probability, "
                f"extrapolated, view, reason, ?, record_values, finding FROM {CHOSEN} f ORDER BY rank",
                [about["source"]],
            )
            connection.execute(
                f"INSERT INTO contributions SELECT {run_id}, {key_text(key, 'f')}, p.view, p.column_name, p.value, "
                f"p.contribution, p.expected FROM new_parts p JOIN {CHOSEN} f USING (rank) "
                "ORDER BY rank, p.contribution DESC, p.column_name, p.view"
            )
        return run_id

    def _settings_of(self, model_id: int) -> dict[str, Any]:
        """Return where and how the reference of a model was read; a monitor judges the same source."""
        known = self._connection.execute(
            "SELECT database, config FROM models WHERE model_id = ?", [model_id]
        ).fetchone()
        return dict(zip(("database", "config"), known or (None, None), strict=True))

    def add_run_row(self, values: Mapping[str, Any]) -> int:
        """Save a run, with its number and the time; call it within a `transaction`.

        Returns
        -------
        int
            Its id, the highest so far.
        """
        run_id = self._next("runs", "run_id")
        names = ", ".join(map(quote_identifier, values))
        self._connection.execute(
            f"INSERT INTO runs (run_id, scored_at, {names}) VALUES (?, now() AT TIME ZONE 'UTC'{', ?' * len(values)})",
            [run_id, *values.values()],
        )
        return run_id

    def copy_scores(self, key: Sequence[str], path: Path, options: str, *, formula: str | None = None) -> None:
        """Write the staged scores to a file, one row for every record, most abnormal first.

        Parameters
        ----------
        key : sequence of str
            Key columns.
        path : Path
            The file; overwritten.
        options : str
            Options of DuckDB's COPY.
        formula : str, optional
            Text that matches this regular expression gets an apostrophe in front.
        """
        same = ", ".join(map(quote_identifier, key))
        query = (
            f"SELECT {same}, s.raw_score, s.tail_probability, f.rank IS NOT NULL AS flagged, "
            f"coalesce(f.view, s.view) AS view, coalesce(f.reason, '') AS reason "
            f"FROM {STAGED} s LEFT JOIN {CHOSEN} f USING ({same}) "
            f"ORDER BY s.raw_score DESC, {same}"
        )
        with self._clear_errors():
            if formula is not None:
                query = f"SELECT {_escaped(self._connection.sql(query), formula)} FROM ({query})"
            self._connection.execute(f"COPY ({query}) TO {quote_text(str(path))} ({options})")


def key_text(key: Sequence[str], table: str) -> str:
    """Return SQL of a record's key as text: the value itself, or JSON when there are several columns."""
    if len(key) == 1:
        return f"CAST({table}.{quote_identifier(key[0])} AS VARCHAR)"
    fields = ", ".join(f"{quote_text(name)}: {table}.{quote_identifier(name)}" for name in key)
    return f"CAST(to_json({{{fields}}}) AS VARCHAR)"


def _escaped(relation: duckdb.DuckDBPyRelation, formula: str) -> str:
    columns = []
    for name, kind in zip(relation.columns, relation.types, strict=True):
        quoted, text = quote_identifier(name), f"CAST({quote_identifier(name)} AS VARCHAR)"
        is_formula = f"regexp_matches({text}, {quote_text(formula)})"
        escaped = f"CASE WHEN {is_formula} THEN '''' || {text} ELSE {text} END AS {quoted}"
        columns.append(escaped if kind.id in ("varchar", "enum", "blob") else quoted)
    return ", ".join(columns)

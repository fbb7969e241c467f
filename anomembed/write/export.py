"""Write a model's embeddings, for other tools and for other models to start from."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from anomembed.errors import ConfigError
from anomembed.read.table import Table
from anomembed.represent.embeddings.spelling import spell
from anomembed.write.files import check_file, completed
from anomembed.write.store import Store
from anomembed.write.tables import write_tables

TABLE = "vectors"  # in a DuckDB file
COLUMNS = ("column", "token", "n_records", "vector")
OTHERS = f"""
SELECT table_name FROM duckdb_columns()
WHERE NOT internal AND (table_name <> '{TABLE}' OR column_name NOT IN {COLUMNS})
UNION ALL SELECT function_name FROM duckdb_functions() WHERE NOT internal"""  # columns also of views; macros
ENDINGS = (".txt", ".vec", ".bin", ".parquet", ".duckdb")
QUERY = """SELECT column_name AS "column", token, n_records, embedding AS vector FROM tokens
    WHERE model_id = ? AND n_records > 0 AND len(list_filter(embedding, lambda x: x <> 0)) > 0 ORDER BY token_id"""


def check_export_path(path: Path, store: str, *, force: bool) -> None:
    """Refuse a file that could not be written later.

    Parameters
    ----------
    path : Path
        File for the vectors.
    store : str
        The store, which must not be overwritten.
    force : bool
        Overwrite an existing file of vectors.

    Raises
    ------
    ConfigError
        When the file exists, holds more than vectors, or cannot be written (see `check_file`).
    """
    check_file(path, "vectors", ENDINGS, {"the store": store}, is_ours=lambda _: True)
    if path.exists() and not force:
        raise ConfigError(f"{path} exists; give another name, or --force to overwrite it")
    if path.exists() and _holds_others(path):
        raise ConfigError(f"{path} holds more than vectors and is not overwritten; give another name")


def _holds_others(path: Path) -> bool:
    if path.suffix == ".duckdb":
        with Table(str(path), OTHERS) as others:
            return bool(others.count())
    if path.suffix == ".parquet":
        with Table(str(path)) as table:
            return {column.name for column in table.columns} != set(COLUMNS)
    return False


def export_vectors(store: Store, model_id: int | None, path: Path) -> tuple[int, int]:
    """Write the embeddings of a model; tokens without one are left out.

    Parameters
    ----------
    store : Store
        An open store.
    model_id : int or None
        By default the newest.
    path : Path
        Its ending decides the format: ``.txt`` and ``.vec`` are word2vec text, ``.bin`` its binary form, both with
        names such as ``column=token`` without white space; ``.parquet`` and ``.duckdb`` have the columns ``column``,
        ``token``, ``n_records`` and ``vector``.

    Returns
    -------
    model_id, n_vectors : int
        The model, and the number of vectors written.

    Raises
    ------
    StoreError
        When there is no such model.
    """
    chosen = store.find_model(model_id)
    frame = store.frame(QUERY, [chosen])
    if not frame.height:
        raise ConfigError(f"model {chosen} has no embeddings to export: none of its tokens occur together")
    with completed(path) as unfinished:
        if path.suffix == ".duckdb":
            write_tables(unfinished, {TABLE: frame})
        elif path.suffix == ".parquet":
            frame.write_parquet(unfinished)
        else:
            with unfinished.open("wb") as file:
                file.writelines(_words(frame, is_text=path.suffix != ".bin"))
    return chosen, frame.height


def _words(frame: pl.DataFrame, *, is_text: bool) -> Iterator[bytes]:
    """Yield the lines of a word2vec file; nine digits of text restore the same float32."""
    vectors = np.array(frame["vector"].to_list(), "<f4")
    yield f"{len(vectors)} {vectors.shape[1]}\n".encode()
    for column, token, vector in zip(frame["column"], frame["token"], vectors, strict=True):
        name = spell(f"{column}={token}").encode()
        numbers = " ".join(f"{number:.9g}" for number in vector.tolist()).encode() if is_text else vector.tobytes()
        yield name + b" " + numbers + b"\n"

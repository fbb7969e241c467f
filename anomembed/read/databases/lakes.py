"""Read tables of a data lake into ``records`` by Polars: Delta and Iceberg tables, and Parquet on S3.

Secrets come from the environment, such as ``AWS_ACCESS_KEY_ID``.
"""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

from anomembed.errors import SourceError, UserError
from anomembed.read.databases.addresses import DELTA, ICEBERG, ICEBERG_METADATA, S3, is_address
from anomembed.read.databases.streams import load_batches
from anomembed.read.frames import as_frame

AT_ONCE = 1 << 14  # records
AFTER = re.compile(r"( in [\d.]+.?s)? - Server returned.*|:? <\?xml.*")  # of an error on S3, what says nothing more
EXTRAS = {DELTA: ("deltalake", "delta"), ICEBERG: ("pyiceberg", "iceberg")}
"""The package that reads a table, and the extra that installs it."""


def read_lake(connection: duckdb.DuckDBPyConnection, source: str, kind: str) -> tuple[str, ...]:
    """Make ``records`` of a table in a lake.

    Parameters
    ----------
    connection : DuckDBPyConnection
        Of a database in memory.
    source : str
        An address or a folder.
    kind : str
        Of `lake_kind`.

    Returns
    -------
    tuple of str
        The files that the records are read from, when they are here.

    Raises
    ------
    SourceError
        When the extra is missing, or the table cannot be read.
    """
    module, extra = EXTRAS.get(kind, ("", ""))
    if module and not find_spec(module):
        raise SourceError(f"reading {source} needs an extra: pip install 'anomembed[{extra}]'")
    with _clear_errors(source):
        lazy = _scan(source, kind)
        schema = _arrow(pl.DataFrame(schema=lazy.collect_schema())).schema
        load_batches(connection, schema, _batches(lazy))
    return () if is_address(source) else (f"{source}/**/*",)


def _scan(source: str, kind: str) -> pl.LazyFrame:
    location = source.removeprefix(f"{kind.removesuffix('+s3')}+")
    if kind == S3:
        if not source.endswith(".parquet"):
            raise SourceError(f"{source}: of S3, Parquet is read, such as s3://bucket/folder/*.parquet")
        return pl.scan_parquet(location)
    if kind == DELTA:
        return pl.scan_delta(location)
    return pl.scan_iceberg(location if is_address(location) else _newest(location))


def _newest(folder: str) -> str:
    """Return the newest metadata of an Iceberg table: the one with the highest number."""
    files = sorted(Path(folder).glob(ICEBERG_METADATA))
    return str(max(files, key=lambda file: int((re.search(r"\d+", file.name) or ["0"])[0])))


def _batches(lazy: pl.LazyFrame) -> Iterator[pa.RecordBatch]:
    for frame in lazy.collect_batches(chunk_size=AT_ONCE, maintain_order=True, engine="streaming"):
        yield from _arrow(frame).to_batches()


def _arrow(frame: pl.DataFrame) -> pa.Table:
    return as_frame(frame).to_arrow(compat_level=pl.CompatLevel.oldest())


@contextmanager
def _clear_errors(source: str) -> Iterator[None]:
    """Turn whatever the packages raise, each of its own kind, into one sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice on regions and on packages to install: what fails says why
            yield
    except UserError:
        raise
    except Exception as error:
        lines = [AFTER.sub("", line).strip() for line in str(error).splitlines()]
        first = next(filter(None, lines), type(error).__name__)
        raise SourceError(f"{source} cannot be read: {first}") from error

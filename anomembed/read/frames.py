"""Take records that are in memory, in any common form, as a frame that DuckDB reads.

Polars and pandas frames, Arrow tables and streams (so also relations of any DuckDB connection), columns by name,
records as dictionaries, arrays with and without names, rows. What comes out has the same columns whatever went in.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
from scipy.sparse import issparse

from anomembed.errors import SourceError, UserError, shown

ODD_TYPES = (pl.Object, pl.Int128, pl.UInt128)  # types of Polars that do not leave it
KINDS = (
    "a path, a Polars or pandas frame, an Arrow table, a DuckDB relation, a dict of columns, a list of dicts, or rows"
)


def as_frame(records: Any, *, with_index: bool = True) -> Any:  # noqa: ANN401
    """Return records in memory as a frame.

    Parameters
    ----------
    records : frame, table, stream, mapping of columns, list of records, array or rows
        A lazy frame is collected, a stream is read to its end. Rows without names get the columns x0, x1, ...
    with_index : bool, default=True
        Whether the named levels of a pandas index are columns.

    Returns
    -------
    pl.DataFrame or pa.Table

    Raises
    ------
    SourceError
        When they are of no form that is known, or two columns have the same name.

    Examples
    --------
    >>> as_frame([{"pet": "cat"}, {"pet": "dog", "age": 3}]).columns
    ['pet', 'age']
    >>> as_frame([["cat", 1.5], ["dog", 2.5]]).columns
    ['x0', 'x1']
    """
    with _plain_errors():
        frame = _of_pandas(records, with_index=with_index) if _is_pandas(records) else _of_others(records)
    _check_names(frame.columns if isinstance(frame, pl.DataFrame) else frame.schema.names)
    return _readable(frame)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn the errors of Polars, Arrow, NumPy and DuckDB into one sentence."""
    try:
        yield
    except UserError:
        raise
    except (pl.exceptions.PolarsError, pa.ArrowException, duckdb.Error, ValueError, TypeError, OverflowError) as error:
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise SourceError(f"the records cannot be read as a table: {first}") from error


def _of_others(records: Any) -> Any:  # noqa: ANN401
    if isinstance(records, pl.LazyFrame):
        return records.collect(engine="streaming")
    if isinstance(records, pl.DataFrame | pa.Table):
        return records
    if _is_single(records):
        raise SourceError(f'a single {type(records).__name__} is no table: give it a name, as in {{"name": values}}')
    if hasattr(records, "__arrow_c_stream__"):
        return pa.RecordBatchReader.from_stream(records).read_all()
    if isinstance(records, np.ndarray) and records.dtype.names:
        return _of_columns({name: records[name] for name in records.dtype.names})
    return _of_columns(records) if isinstance(records, Mapping) and not issparse(records) else _of_rows(records)


def _is_single(records: Any) -> bool:  # noqa: ANN401
    """Tell whether this is one column without a name."""
    if isinstance(records, pl.Series | pa.ChunkedArray | pa.Array):
        return True
    return getattr(records, "ndim", 2) == 1 and not getattr(records.dtype, "names", None)


def _of_columns(columns: Mapping[Any, Any]) -> pl.DataFrame:
    """Return columns as a frame; they must be equally long."""
    for name, values in columns.items():
        if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
            raise SourceError(
                f"a dict holds columns, but {name} is {shown(repr(values))}; for one record, give [record]"
            )
    series = [_series(str(name), values) for name, values in columns.items()]
    _check_names([column.name for column in series])
    if len({len(column) for column in series}) > 1:
        lengths = ", ".join(f"{column.name} has {len(column):,}" for column in series)
        raise SourceError(f"the columns differ in length: {lengths}")
    return pl.DataFrame(series)


def _of_rows(rows: Any) -> pl.DataFrame:  # noqa: ANN401
    """Return rows as a frame: those with names by these, others by place."""
    if not isinstance(rows, np.ndarray) and callable(getattr(rows, "__array__", None)):
        rows = np.asarray(rows)
    if isinstance(rows, np.ndarray):
        return _of_array(np.asarray(rows))
    if isinstance(rows, str | bytes) or not isinstance(rows, Sequence):
        raise SourceError(f"{type(rows).__name__} is no source of records: give {KINDS}")
    if len(rows) and all(isinstance(row, Mapping) for row in rows):
        names = dict.fromkeys(name for row in rows for name in row)
        return _of_columns({name: [row.get(name) for row in rows] for name in names})
    odd = next((row for row in rows if isinstance(row, str | bytes | Mapping) or not hasattr(row, "__len__")), None)
    if odd is not None:
        raise SourceError(f"a list holds records, but one of these is {shown(repr(odd))}; give {KINDS}")
    return _of_tuples(rows)


def _of_array(array: Any) -> pl.DataFrame:  # noqa: ANN401
    if array.ndim != 2:
        raise SourceError(f"an array of {array.ndim} dimensions is no table: it needs rows and columns")
    return _of_columns({f"x{at}": column for at, column in enumerate(array.T)})


def _of_tuples(rows: Sequence[Any]) -> pl.DataFrame:
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise SourceError(f"the rows differ in length: {min(widths)} to {max(widths)} values")
    names = getattr(rows[0], "_fields", None) if rows else ()  # of a named tuple
    names = names or [f"x{at}" for at in range(max(widths, default=0))]
    return _of_columns({name: [row[at] for row in rows] for at, name in enumerate(names)})


def _series(name: str, values: Any) -> pl.Series:  # noqa: ANN401
    """Return a column; values of several types become text."""
    if isinstance(values, pl.Series):
        return values.alias(name)
    if isinstance(values, np.ndarray) and values.dtype.kind == "c":
        raise SourceError(f"column {name} holds complex numbers; give their parts or sizes")
    if isinstance(values, np.ndarray) and values.dtype.kind not in "OSV" and values.dtype != np.float16:
        return pl.Series(name, np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="), copy=False)))
    plain = [_plain(value) for value in (values.tolist() if hasattr(values, "tolist") else values)]
    if len({_kind(value) for value in plain if value is not None}) > 1:
        return pl.Series(name, list(map(_text, plain)), dtype=pl.String)
    return _plain_type(pl.Series(name, plain, strict=False))


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Return a value of NumPy or pandas as one of Python; what marks a missing value there is None here."""
    if type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def _kind(value: object) -> str:
    """Return what values must have in common to be a column: numbers are of one kind, and so are truth values."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return "number"
    return next((kind.__name__ for kind in (list, dict, str) if isinstance(value, kind)), type(value).__name__)


def _is_pandas(records: Any) -> bool:  # noqa: ANN401
    """Tell whether these are of pandas, which need not be installed."""
    return type(records).__module__.partition(".")[0] == "pandas" and hasattr(records, "columns")


def _of_pandas(records: Any, *, with_index: bool) -> pa.Table:  # noqa: ANN401
    index = records.index
    levels = [index.get_level_values(level) for level in range(index.nlevels)] if with_index else []
    columns = [(level.name, level) for level in levels if level.name is not None]
    columns += [(name, records.iloc[:, at]) for at, name in enumerate(records.columns)]
    names = [".".join(map(str, name)) if isinstance(name, tuple) else str(name) for name, _ in columns]
    return pa.Table.from_arrays([_arrow(name, v) for name, (_, v) in zip(names, columns, strict=True)], names=names)


def _arrow(name: str, values: Any) -> pa.Array:  # noqa: ANN401
    """Return a column of pandas; categories stay names, also numbers, and types that Arrow lacks become text."""
    kind = str(values.dtype)
    if kind == "category":
        return _names(values)
    if kind.startswith(("period", "interval")):
        return pa.array([None if gone else str(value) for value, gone in zip(values, values.isna(), strict=True)])
    if kind.startswith(("object", "complex", "Sparse")):
        return _series(name, np.asarray(values)).to_arrow()
    return pa.Array.from_pandas(values)


def _names(values: Any) -> pa.Array:  # noqa: ANN401
    """Return the names of a pandas column of categories, or of a level of such an index."""
    codes = np.asarray(values.codes if hasattr(values, "codes") else values.cat.codes)
    names = pa.array([str(category) for category in values.dtype.categories], pa.string())
    return names.take(pa.array(codes, mask=codes < 0))


def _check_names(names: Sequence[str]) -> None:
    """Refuse two columns of the same name; DuckDB would give the second another one."""
    if not names:
        raise SourceError("the frame has no columns")
    if nul := next((name for name in names if "\0" in name), None):
        raise SourceError(f"the name of a column holds the character NUL: {shown(nul)}; rename it")
    folded = Counter(name.casefold() for name in names)
    twice = [name for name in names if folded[name.casefold()] > 1]
    if len(set(twice)) == 1:
        raise SourceError(f"the frame has {len(twice)} columns called {twice[0]}: rename one")
    if twice:
        raise SourceError(f"the names of columns differ in nothing but case: {', '.join(twice)}; rename one")


def _readable(frame: Any) -> Any:  # noqa: ANN401
    """Return a frame with columns of types that DuckDB reads."""
    if isinstance(frame, pl.DataFrame):
        return frame.with_columns(_plain_type(column) for column in frame if column.dtype in ODD_TYPES)
    fields = [field.with_type(pa.float64()) if _is_odd(field.type) else field for field in frame.schema]
    return frame.cast(pa.schema(fields))


def _plain_type(column: pl.Series) -> pl.Series:
    """Return a column with objects as text, and with huge numbers as doubles."""
    if column.dtype == pl.Object:
        return pl.Series(column.name, list(map(_text, column)), dtype=pl.String)
    return column.cast(pl.Float64) if column.dtype in ODD_TYPES else column


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _is_odd(kind: pa.DataType) -> bool:
    return bool(pa.types.is_float16(kind) or pa.types.is_decimal256(kind))

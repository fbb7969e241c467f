"""Records in memory, in every common form: the same answer for all, or one sentence of our own."""

import datetime as dt
import decimal
import uuid
from collections import namedtuple

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from anomembed import fit_model, scan, score_table
from anomembed.errors import DataError, SourceError
from anomembed.read.frames import as_frame
from anomembed.read.roles.role import Role
from anomembed.read.table import Table

ROWS = [(i, ("cat", "dog", "cow")[i % 3], ("meow", "woof", "moo")[i % 3], 2.0 + i % 7 / 2) for i in range(180)]
ROWS.append((180, "cat", "moo", 4.0))
NAMES = ("id", "pet", "says", "age")
FRAME = pl.DataFrame(ROWS, schema=NAMES, orient="row")
Pet = namedtuple("Pet", NAMES)


def relation(frame):
    """Return a relation of a connection that is not ours."""
    connection = duckdb.connect()
    connection.register("pets", frame)
    return connection.sql("SELECT * FROM pets")


FORMS = {
    "pandas": lambda: FRAME.to_pandas(),
    "pandas of nullable types": lambda: FRAME.to_pandas().convert_dtypes(),
    "pandas of objects": lambda: FRAME.to_pandas().astype({"pet": object, "age": object}),
    "pandas with a key for an index": lambda: FRAME.to_pandas().set_index("id"),
    "pandas with any other index": lambda: FRAME.to_pandas().set_index(np.arange(181)[::-1]),
    "pandas of arrow": lambda: FRAME.to_pandas(use_pyarrow_extension_array=True),
    "lazy": lambda: FRAME.lazy().filter(pl.col("age") > 0),
    "arrow": lambda: FRAME.to_arrow(),
    "arrow with dictionaries": lambda: pa.table({**FRAME.to_dict(), "pet": FRAME["pet"].cast(pl.Categorical)}),
    "arrow batch": lambda: FRAME.to_arrow().combine_chunks().to_batches()[0],
    "arrow stream": lambda: FRAME.to_arrow().to_reader(max_chunksize=50),
    "relation": lambda: relation(FRAME),
    "columns": lambda: FRAME.to_dict(as_series=False),
    "columns of arrays": lambda: {name: FRAME[name].to_numpy() for name in NAMES},
    "records": lambda: FRAME.to_dicts(),
    "named tuples": lambda: [Pet(*row) for row in ROWS],
    "structured array": lambda: np.array(ROWS, dtype=[("id", "i8"), ("pet", "U3"), ("says", "U4"), ("age", ">f8")]),
    "frame of categories": lambda: FRAME.with_columns(pl.col("pet").cast(pl.Categorical)),
}


@pytest.fixture(scope="module")
def expected():
    return scan(FRAME, config={"flags": {"budget": 2}})


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_gives_the_same(form, expected):
    found = scan(form(), config={"flags": {"budget": 2}})
    assert found.frame.equals(expected.frame)
    assert found.flags.frame["id"][0] == 180
    assert found.flags.frame["reason"].to_list() == expected.flags.frame["reason"].to_list()


def test_a_model_scores_a_record_in_every_form_alone():
    model = fit_model(FORMS["records"]())
    (whole,) = score_table(model, FRAME[-1:]).frame["raw_score"]
    odd = dict(zip(NAMES, ROWS[-1], strict=True))
    for form in ([odd], {name: [value] for name, value in odd.items()}, pd.DataFrame([odd]), relation(FRAME[-1:])):
        assert score_table(model, form).frame["raw_score"].to_list() == [whole]
    unknown = score_table(model, [{**odd, "age": None, "says": None}]).frame["raw_score"]
    assert np.isfinite(unknown.to_list()).all()
    with pytest.raises(DataError, match="no records"):
        score_table(model, FRAME[:0])


MIXED = {
    "numbers and text": ([1, "x", None, 2.5, True], ["1", "x", None, "2.5", "True"]),
    "text first": (["x", 1, b"z"], ["x", "1", "b'z'"]),
    "whole and broken": ([1, 2.5, None], [1.0, 2.5, None]),
    "huge": ([2**70, 1], [float(2**70), 1.0]),
    "decimals": ([decimal.Decimal("1.5"), 2], [decimal.Decimal("1.5"), decimal.Decimal(2)]),
    "identifiers": ([uuid.UUID(int=7), None], [str(uuid.UUID(int=7)), None]),
    "missing": ([pd.NA, 1], [None, 1]),
    "days and times": ([dt.date(2026, 1, 1), dt.datetime(2026, 1, 1)], ["2026-01-01", "2026-01-01 00:00:00"]),
}


@pytest.mark.parametrize(("values", "read"), MIXED.values(), ids=MIXED)
@pytest.mark.parametrize("form", [dict, lambda c: pd.DataFrame({n: pd.Series(v, dtype=object) for n, v in c.items()})])
def test_values_of_several_types_in_a_column_have_one(values, read, form):
    with Table(form({"a": values})) as table:
        assert [row for (row,) in table._rows("FROM records")] == read


def test_what_a_late_value_is_counts_too():
    with Table(pd.DataFrame({"a": pd.Series([1] * 3_000 + ["x"], dtype=object)})) as table:
        assert table.columns[0].type == "VARCHAR"


def test_types_of_pandas_that_arrow_lacks_are_text():
    frame = pd.DataFrame(
        {
            "week": pd.period_range("2026", periods=2, freq="D"),
            "band": pd.cut([1, np.nan], [0, 2, 4]),
            "sparse": pd.arrays.SparseArray([1, 0]),
        }
    )
    with Table(frame) as table:
        assert table._rows("FROM records") == [("2026-01-01", "(0, 2]", 1), ("2026-01-02", None, 0)]


def test_a_category_of_numbers_is_one_also_when_they_are_many():
    frame = pd.DataFrame({"shop": pd.Categorical([i % 40 for i in range(200)]), "size": [i % 7 for i in range(200)]})
    assert next((c.name, c.role) for c in fit_model(frame).roles.judged) == ("shop", Role.CATEGORY)
    assert fit_model(frame.astype({"shop": int})).roles.columns[0].role is Role.NUMBER


def test_names_that_are_not_text_become_it():
    assert as_frame(pd.DataFrame([[1, 2]])).schema.names == ["0", "1"]
    assert as_frame({0: [1], None: [2]}).columns == ["0", "None"]
    levels = pd.MultiIndex.from_tuples([("paid", "sum"), ("paid", "n")])
    assert as_frame(pd.DataFrame([[1, 2]], columns=levels)).schema.names == ["paid.sum", "paid.n"]


def test_named_levels_of_an_index_are_columns_and_others_are_not():
    named = pd.DataFrame({"v": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["who", None]))
    assert as_frame(named).schema.names == ["who", "v"]
    assert as_frame(named, with_index=False).schema.names == ["v"]


class Lost:
    """Says that it has a stream, and then has none."""

    def __arrow_c_stream__(self, requested_schema=None):
        raise ValueError("gone")


def closed():
    connection = duckdb.connect()
    found = connection.sql("SELECT 1 AS a")
    connection.close()
    return found


REFUSED = {
    "two of a name": (
        lambda: pd.DataFrame([[1, 2]], columns=["a", "a"]),
        r"has 2 columns called a: rename one",
    ),
    "two of a name in arrow": (lambda: pa.Table.from_arrays([[1], [2]], names=["a", "a"]), "2 columns called a"),
    "two but for case": (lambda: {"Id": [1], "id": [2]}, "names of columns differ in nothing but case: Id, id; rename"),
    "names that become equal": (lambda: {1: [1], "1": [2]}, "2 columns called 1"),
    "no columns": (pl.DataFrame, "the frame has no columns"),
    "no records": (list, "the frame has no columns"),
    "unequal columns": (lambda: {"a": [1, 2], "b": [1]}, "the columns differ in length: a has 2, b has 1"),
    "unequal rows": (lambda: [(1, 2), (1,)], "the rows differ in length: 1 to 2 values"),
    "one record": (lambda: {"pet": "cat"}, r"a dict holds columns, but pet is .* for one record, give \[record\]"),
    "one column": (lambda: pd.Series([1, 2]), "a single Series is no table: give it a name"),
    "a column of polars": (lambda: pl.Series([1, 2]), "a single Series is no table"),
    "an array of one": (lambda: np.arange(3), "a single ndarray is no table"),
    "an array of three": (lambda: np.zeros((2, 2, 2)), "an array of 3 dimensions is no table"),
    "texts": (lambda: ["a.csv", "b.csv"], "a list holds records, but one of these is"),
    "complex numbers": (lambda: {"a": np.array([1j])}, "column a holds complex numbers"),
    "a number": (lambda: 3, "int is no source of records: give a path, a Polars or pandas frame"),
    "nothing": (lambda: None, "NoneType is no source of records"),
    "a lazy mistake": (lambda: FRAME.lazy().select("pett"), "the records cannot be read as a table"),
    "a lost stream": (Lost, "the records cannot be read as a table"),
    "a closed connection": (closed, "the records cannot be read as a table"),
    "a name with NUL": (lambda: {"a\0": [1, 2]}, "holds the character NUL"),
}


@pytest.mark.parametrize(("make", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_table_is_one_sentence(make, says):
    with pytest.raises(SourceError, match=says) as error:
        scan(make())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("frame", "says"), [(FRAME[:0], "but no records"), (FRAME[:1], "has one record")])
def test_too_few_records_are_one_sentence(frame, says):
    for use in (scan, fit_model):
        with pytest.raises(DataError, match=says):
            use(frame)


def test_a_model_of_the_wrong_type_is_one_sentence():
    with pytest.raises(ValueError, match="score_table needs a model, from fit_model or load_model, not DataFrame"):
        score_table(FRAME, FRAME)

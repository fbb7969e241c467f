import duckdb
import pytest

from anomembed.read.fetching import fetch

VALUES = (
    "true::BOOLEAN 1::TINYINT 2::UBIGINT 3::HUGEINT 1.5::DECIMAL(18,3) 1.5::FLOAT 'nan'::DOUBLE 'é'::VARCHAR "
    "'\\xFF'::BLOB '2020-02-29'::DATE '10:00:00'::TIME '2020-01-01'::TIMESTAMP '2020-01-01'::TIMESTAMP_NS "
    "'2020-01-01'::TIMESTAMPTZ 'x'::ENUM('x','y') '[1,2]'::INT[] '[1,2]'::DOUBLE[2] '{a:1}'::STRUCT(a:INT)"
).replace("a:INT", "a\0INT")


@pytest.mark.parametrize("value", [value.replace("\0", " ") for value in VALUES.split()])
def test_values_and_types_are_those_of_duckdb(value):
    relation = duckdb.sql(f"SELECT {value} AS a, i FROM range(3000) r(i) UNION ALL SELECT NULL, -1 ORDER BY i")
    found, expected = fetch(relation), relation.pl()
    assert found.equals(expected)
    assert found.schema == expected.schema


def test_no_rows_have_their_columns():
    assert fetch(duckdb.sql("SELECT 1 AS a, 'x' AS b WHERE false")).columns == ["a", "b"]


def test_an_error_of_a_query_is_duckdbs():
    with pytest.raises(duckdb.Error, match="boom"):
        fetch(duckdb.sql("SELECT error('boom') FROM range(10)"))


def test_intervals_are_text():
    assert fetch(duckdb.sql("SELECT INTERVAL 3 DAY AS a, [INTERVAL 1 HOUR] AS b")).row(0) == ("3 days", "['01:00:00']")

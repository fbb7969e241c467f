import re
from pathlib import Path

import polars as pl
import pytest

import anomembed.read
from anomembed.errors import DataError, SourceError
from anomembed.read.columns import is_orderable
from anomembed.read.table import HASH, Table
from anomembed.represent.tokens.value_counts import ValueCounts

RECORDS = pl.DataFrame(
    {
        "id": range(1000),
        "pet": [["cat", "dog", "emu", None][i % 7 % 4] for i in range(1000)],
        "weight": [i * 1.5 for i in range(1000)],
    }
)


@pytest.fixture
def table():
    with Table(RECORDS) as opened:
        yield opened


def plain(table, *names):
    return {name: table.column(name).expression for name in names}


@pytest.mark.parametrize("size", [1, 7, 999, 1000, 5000])
@pytest.mark.parametrize("is_keyed", [True, False])
def test_batches_hold_the_same_rows_whatever_their_size(table, size, is_keyed):
    key = [table.column("id")] if is_keyed else []
    batches = list(table.batches(plain(table, "pet", "weight"), key, "id >= 500", size))
    assert max(batch.height for batch in batches) <= size
    whole = pl.concat(batches)
    assert whole.columns == ["id" if is_keyed else "row_number", "pet", "weight"]
    assert whole[:, 1:].rows() == RECORDS[500:].select("pet", "weight").rows()


def test_a_row_number_is_the_place_in_the_whole_table(table):
    batch = pl.concat(table.batches(plain(table, "id"), [], "id % 100 = 7", 4))
    assert batch["row_number"].to_list() == [i + 1 for i in batch["id"]]


def test_no_row_no_batch(table):
    assert list(table.batches(plain(table, "pet"), [], "id < 0", 10)) == []


@pytest.mark.parametrize("is_keyed", [True, False])
def test_a_sample_depends_on_the_seed_and_not_on_the_order_of_the_rows(is_keyed):
    samples = []
    for records, seed in [(RECORDS, 0), (RECORDS.reverse(), 0), (RECORDS, 1)]:
        with Table(records) as table:
            select = plain(table, "pet", "weight")
            hashed = table.hashed(select, [table.column("id")] if is_keyed else [], seed)
            samples.append(table.sample(select, hashed, None, 200).records)
    assert samples[0].equals(samples[1])
    assert not samples[0].drop(HASH).equals(samples[2].drop(HASH))
    assert 120 < samples[0].height < 280
    assert samples[0][HASH].is_sorted()


def test_a_small_table_is_sampled_whole(table):
    sample, _ = table.sample(plain(table, "id"), "hash(id, 0)", None, 1000)
    assert sorted(sample["id"]) == list(range(1000))


@pytest.mark.parametrize("most", [0, 1])
def test_one_record_is_no_sample(table, most):
    with pytest.raises(DataError, match=f"has {most} records where id < {most}; normal behaviour needs at least 2"):
        table.sample(plain(table, "id"), "hash(id, 0)", f"id < {most}", 100)


def test_values_are_counted_most_frequent_first_and_ties_by_value(table):
    counted = ValueCounts.of(table.value_counts("pet", "id < 14")).cut(2)
    assert counted.counts.rows() == [("cat", 4), ("dog", 4)]
    assert (counted.n_other, counted.n_missing) == (4, 2)


@pytest.mark.parametrize(
    ("names", "where", "expected"),
    [
        (["id"], None, True),
        (["pet"], None, False),
        (["pet"], "id < 3", True),
        (["pet", "weight"], "pet IS NOT NULL", True),
        (["pet", "weight"], None, False),
        (["id"], "id < 0", True),
    ],
)
def test_unique_and_never_null(table, names, where, expected):
    assert table.is_unique([table.column(name) for name in names], where) is expected


def test_a_profile_says_what_a_column_holds(table):
    pet, weight = table.profiles([table.column("pet"), table.column("weight")])
    assert (pet.n_records, pet.n_nulls, pet.n_distinct) == (1000, 143, 3)
    assert (pet.minimum, pet.maximum, pet.mean_length) == ("cat", "emu", 3.0)
    assert (float(weight.minimum), float(weight.maximum), weight.mean_length) == (0.0, 1498.5, 0.0)


def test_many_columns_are_profiled_in_parts():
    with Table(pl.DataFrame({f"c{i}": [i, i + 1] for i in range(250)})) as table:
        assert [profile.minimum for profile in table.profiles(table.columns)] == [str(i) for i in range(250)]


@pytest.mark.parametrize("where", ["wieght > 1", "id >", "1=1) --", "id = 1; DROP TABLE records", "id"])
def test_a_wrong_condition_is_told_on_one_line(table, where):
    if where == "id":
        assert table.count(where) == 999
        return
    with pytest.raises(SourceError, match="the condition") as error:
        table.count(where)
    assert "\n" not in str(error.value)


def test_a_condition_may_end_in_a_comment(table):
    assert table.count("id < 10 -- the first") == 10


def test_every_sql_file_is_read_and_says_what_it_is():
    folder = Path(anomembed.read.__file__).parent
    call = re.compile(r"\b(?:query|ask|ask_frame|cls)\(\s*\"(\w+)\"")
    used = {name for path in folder.parent.rglob("*.py") for name in call.findall(path.read_text())}
    files = {path.stem: path.read_text() for path in folder.glob("*.sql")}
    assert set(files) <= used
    assert all(text.startswith("-- ") for text in files.values())


@pytest.mark.parametrize(("given", "name"), [("pet", "pet"), ("PET", "pet")])
def test_case_counts_only_when_it_must(table, given, name):
    assert table.column(given).name == name


def test_the_nearest_column_is_offered(table):
    with pytest.raises(SourceError, match=r"no such column in the frame: wieght; did you mean 'weight'\?"):
        table.column("wieght")


@pytest.mark.parametrize("name", ['a"b', "with space", "new\nline", "; drop table x", "it's"])
def test_columns_are_quoted(name):
    with Table(pl.DataFrame({name: ["x", "y"]})) as table:
        assert table.count(f"{table.columns[0].expression} = 'x'") == 1
        assert next(table.batches(plain(table, name), [], None, 9)).columns == ["row_number", name]


NESTED = """
SELECT {'a': i, 'b "c"': {'d': i}} AS s, ('{"k": "v' || i || '", "it''s": {"x": 1}}')::JSON AS j, i AS "s.a"
FROM range(3) t(i)
"""


def test_fields_are_columns_however_deep(database):
    with Table(database(f"CREATE TABLE t AS {NESTED}")) as table:
        assert [column.name for column in table.columns] == ["s", 's.b "c".d', "j", "j.it's.x", "j.k", "s.a"]
        values = {name: table.column(name).expression for name in ("j.k", "j.it's.x", 's.b "c".d')}
        frame = next(table.batches(values, [], None, 9))
    assert frame.rows() == [(1, "v0", 1, 0), (2, "v1", 1, 1), (3, "v2", 1, 2)]


@pytest.mark.parametrize(
    ("json", "fields"), [("[1, 2]", ["j.count", "j.values"]), ("3", []), ("null", []), ('"text"', [])]
)
def test_json_that_is_no_record_has_no_fields_but_those_of_a_list(database, json, fields):
    with Table(database(f"CREATE TABLE t AS SELECT '{json}'::JSON AS j FROM range(3)")) as table:
        assert [column.name for column in table.columns] == ["j", *fields]


def test_json_fields_that_no_path_can_name_are_left_out(database):
    source = database(
        """CREATE TABLE t AS SELECT '{"": 1, "*": 2, "a.b": 3, "$": 4, "c": 5}'::JSON AS j FROM range(3)"""
    )
    with Table(source) as table:
        assert [column.name for column in table.columns] == ["j", "j.$", "j.a.b", "j.c"]
        select = {column.name: column.expression for column in table.columns[1:]}
        frame = next(table.batches(select, [], None, 10))
    assert frame.row(0)[1:] == (4, 3, 5)


def test_json_with_too_many_fields_is_a_map_judged_by_its_keys(database):
    source = database("CREATE TABLE t AS SELECT ('{\"k' || i || '\": 1}')::JSON AS j FROM range(33) t(i)")
    with Table(source) as table:
        assert [column.name for column in table.columns] == ["j", "j.keys"]
        frame = next(table.batches({"keys": table.column("j.keys").expression}, [], None, 99))
    assert sorted(frame["keys"]) == sorted(f"k{i}" for i in range(33))


@pytest.mark.parametrize(
    ("kind", "expected"), [("INTEGER", True), ("VARCHAR", True), ("BLOB", False), ("INTEGER[]", False)]
)
def test_orderable(kind, expected):
    assert is_orderable(kind) is expected


def test_columns_are_added_in_the_order_of_the_source_null_where_a_query_has_no_row():
    with Table({"name": list("dbca") * 500}) as table:
        table.extend(f"SELECT {HASH}, {HASH} % 7 AS seventh FROM records WHERE {HASH} % 2 = 0", ["seventh"])
        table.extend(f"SELECT {HASH}, row_number() OVER (ORDER BY name, {HASH}) AS rank FROM records", ["rank"])
        assert table.is_derived("rank")
        found = table.rows({name: name for name in ("name", "seventh", "rank")}, None)
        assert found["name"].to_list() == list("dbca") * 500
        assert found["seventh"].to_list() == [at % 7 if at % 2 == 0 else None for at in range(2_000)]
        ranks = dict(zip("dbca", found["rank"].head(4), strict=True))
        assert ranks == {"a": 1, "b": 501, "c": 1_001, "d": 1_501}
        table.extend(f"SELECT {HASH}, seventh IS NULL AS is_odd FROM records", ["is_odd"])  # of a copy that has them
        assert table.rows({"is_odd": "is_odd"}, None, most=3)["is_odd"].to_list() == [False, True, False]

import re
from dataclasses import replace

import polars as pl
import pytest
from databases import SHARED, opened

from anomembed.errors import DataError, SourceError
from anomembed.read.roles.assigned import ColumnRole, Roles, match_roles
from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import JUDGED, Role
from anomembed.read.roles.rules import RULES as RULES_OF_ROLES
from anomembed.read.roles.rules import Inferred
from anomembed.read.table import Table

N = 400


def infer(column, said=None, n=N):
    """The role of column `x`, beside a plain category."""
    with SHARED.cursor() as connection:
        frame = connection.sql(f"SELECT {column} AS x, 'p' || i % 3 AS plain FROM range({n}) t(i)").to_arrow_table()
    with Table(frame) as table:
        return infer_roles(table, said)


@pytest.fixture
def infer_in_file(database):
    def infer_in_file(column, said=None, n=N):
        query = f"CREATE TABLE t AS SELECT {column} AS x, 'p' || i % 3 AS plain FROM range({n}) t(i)"
        with Table(database(query)) as table:
            return infer_roles(table, said)

    return infer_in_file


RULES = [
    ("NULL::VARCHAR", "ignore", "every value is null"),
    ("'same'", "ignore", "the same value in every record"),
    ("7", "ignore", "the same value in every record"),
    ("['' || i]", "ignore", "VARCHAR[] is neither a value nor a magnitude"),
    ("[[i]]", "ignore", "BIGINT[][] is neither a value nor a magnitude"),
    ("[i, 2.5]", "vector", "lists of 2 numbers, all of the same length"),
    ("[i]", "vector", "lists of 1 number, all of the same length"),
    ("[1.0, i]::FLOAT[2]", "vector", "vectors of 2 numbers"),
    ("[0.5, 1.5]::DOUBLE[2]", "ignore", "the same value in every record"),
    ("if(i = 7, [1], [i, i])", "ignore", "lists of 1 to 2 numbers; vectors all have the same length"),
    ("if(i = 7, NULL, []::INTEGER[])", "ignore", "every list is null or empty"),
    ("NULL::FLOAT[3]", "ignore", "every value is null"),
    ("MAP {'k': i}", "ignore", "is neither a value nor a magnitude"),
    ("('' || i)::BLOB", "ignore", "BLOB is neither a value nor a magnitude"),
    ("DATE '2024-01-01' + (i // 2)::INT", "timestamp", "date"),
    ("TIMESTAMP '2024-01-01' + INTERVAL (i) HOUR", "timestamp", "timestamp"),
    ("TIMESTAMPTZ '2024-01-01 00:00:00Z' + INTERVAL (i) HOUR", "timestamp", "timestamp with time zone"),
    ("'2024-01-0' || (1 + i % 9)", "timestamp", "text that holds ISO dates"),
    ("'2024-01-0' || (1 + i % 9) || 'T10:00:00'", "timestamp", "text that holds ISO dates"),
    ("i % 37 / 3", "number", "double"),
    ("(i % 37 / 4)::DECIMAL(9, 2)", "number", "decimal(9,2)"),
    ("i % 3", "category", "whole numbers, 3 distinct"),
    ("i * 7 % 399 // 2", "number", "whole numbers, "),
    ("TIME '10:00:00' + INTERVAL (i % 37) SECOND", "number", "time, in seconds"),
    ("INTERVAL (i % 37) SECOND", "number", "interval, in seconds"),
    ("'v' || i % 20", "category", "about 20 distinct"),
    ("i % 2 = 0", "category", "2 distinct"),
    ("['a', 'b'][i % 2 + 1]::ENUM('a', 'b')", "category", "2 distinct"),
    ("nullif('k' || i, 'k3')", "identifier", "nearly every record has its own"),
    ("'a long sentence of many words, number ' || i % 99", "text", "free text, "),
]


@pytest.fixture(scope="module")
def ruled(tmp_path_factory):
    """The roles of a table with one column per rule."""
    path = str(tmp_path_factory.mktemp("roles") / "rules.duckdb")
    columns = ", ".join(f"{column} AS x{place}" for place, (column, _, _) in enumerate(RULES))
    with opened(path) as connection:
        connection.execute(f"CREATE TABLE t AS SELECT i AS id, {columns} FROM range({N}) t(i)")
    with Table(path) as table:
        return {column.name: column for column in infer_roles(table).columns}


@pytest.mark.parametrize("place", range(len(RULES)), ids=[column for column, _, _ in RULES])
def test_each_rule_has_a_case_and_says_why(ruled, place):
    _, role, reason = RULES[place]
    assert ruled[f"x{place}"].role == role
    assert reason in ruled[f"x{place}"].reason


def test_a_rule_is_one_row(monkeypatch):
    """A rule decides the role and gives its reason by standing in the list, before those that it overrules."""

    def is_yes_or_no(evidence):
        is_answer = (evidence.profile.minimum, evidence.profile.maximum) == ("no", "yes")
        return Inferred(Role.NUMBER, "answers, as 0 and 1") if is_answer else None

    monkeypatch.setattr("anomembed.read.roles.inference.RULES", (is_yes_or_no, *RULES_OF_ROLES))
    found = {column.name: (column.role, column.reason) for column in infer("['no', 'yes'][1 + i % 2]").columns}
    assert found == {"x": (Role.NUMBER, "answers, as 0 and 1"), "plain": (Role.CATEGORY, "3 distinct")}


def test_what_is_scored_is_what_a_role_reads():
    """The row of a role says how its values are read; all else follows from that."""
    column = ColumnRole("x", "VARCHAR", '"x"', Role.CATEGORY, "")
    assert tuple(role for role in Role if role.is_scored) == JUDGED
    for role in Role:
        roles = Roles((replace(column, role=role),))
        assert list(roles.select()) == [c.name for c in roles.judged] == (["x"] if role in JUDGED else [])
    with pytest.raises(ValueError, match="role ignore are not scored"):
        Role.IGNORE.plain_sql(column)


@pytest.mark.parametrize("column", ["i", "'k' || i", "uuid()", "i::HUGEINT"])
def test_the_first_column_that_names_every_record_is_the_key(infer_in_file, column):
    found = infer_in_file(column).columns[0]
    assert (found.role, found.reason) == (Role.KEY, "unique and never null")


@pytest.mark.parametrize(
    ("name", "modulus", "role"),
    [
        ("zip", 50, "category"),
        ("amount", 50, "number"),
        ("Merchant Zip", 50, "category"),
        ("MCC", 50, "category"),
        ("dstport", 50, "category"),
        ("remotePort", 50, "category"),
        ("export", 50, "number"),
        ("DIST_REMOTE_TCP_PORT", 50, "number"),
        ("userId", 50, "category"),
        ("user_id", 300, "ignore"),
        ("PID", 50, "ignore"),
    ],
)
def test_whole_numbers_named_like_a_code_are_names(database, name, modulus, role):
    source = database(f"CREATE TABLE t AS SELECT i % {modulus} AS \"{name}\", 'p' || i % 3 AS c FROM range({N}) t(i)")
    with Table(source) as table:
        assert infer_roles(table).columns[0].role == role


def test_hashes_of_64_bits_are_names(database):
    hashed = "(hash(i % 50)::HUGEINT - 9223372036854775808)::BIGINT"
    source = database(f"CREATE TABLE t AS SELECT {hashed} AS merchant, i % 70 AS n FROM range({N}) t(i)")
    with Table(source) as table:
        merchant, n = infer_roles(table).columns
    assert (merchant.role, n.role) == (Role.CATEGORY, Role.NUMBER)
    assert merchant.reason.startswith("whole numbers far on both sides of 0, like a hash")


def test_a_key_named_like_one_goes_before_the_others(database):
    source = database(f"CREATE TABLE t AS SELECT i AS a, i + 1 AS user_id, 'p' || i % 3 AS c FROM range({N}) t(i)")
    with Table(source) as table:
        assert {c.name: c.role for c in infer_roles(table).columns} == {
            "user_id": "key",
            "c": "category",
            "a": "number",
        }


@pytest.mark.parametrize("key", ["nullif(i, 3)", "i % 399", "i * 1.5"], ids=["null", "twice", "fraction"])
def test_what_does_not_name_every_record_is_no_key(key):
    assert infer(key).key == ()


def test_a_key_that_is_told_leaves_no_other():
    roles = infer("i", {Role.KEY: ["plain"]})
    assert [column.name for column in roles.key] == ["plain"]
    assert roles.columns[0].role is Role.NUMBER


@pytest.mark.parametrize("role", [Role.IGNORE, Role.NUMBER, Role.CATEGORY, Role.TEXT, Role.ENTITY])
def test_what_the_user_says_wins(role):
    found = infer("i", {role: ["X"]}).columns[0]
    assert (found.name, found.role, found.reason) == ("x", role, "user-specified")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({Role.KEY: ["x"], Role.IGNORE: ["X"]}, "column x is given two roles: key and ignore"),
        ({Role.KEY: ["y"]}, "no such column in the frame: y"),
        ({Role.NUMBER: ["plain"]}, r"no value of column plain \(VARCHAR\) can be read as a number"),
        ({Role.TIMESTAMP: ["plain"]}, "can be read as a timestamp"),
    ],
)
def test_what_the_user_says_is_checked(said, message):
    with pytest.raises(SourceError, match=message):
        infer("i", said)


@pytest.mark.parametrize(("n", "message"), [(0, "but no records"), (1, "has one record")])
def test_a_table_without_records_is_refused(n, message):
    with pytest.raises(DataError, match=message):
        infer("i", n=n)


def test_no_column_that_can_be_judged():
    with pytest.raises(
        DataError, match=r"no column of the frame can be scored \(x: unique and never null; plain: user-specified"
    ):
        infer("i", {Role.IGNORE: ["plain"]})


@pytest.mark.parametrize(
    "nested", ["{'a': i % 3, 'b': i / 2}", """('{"a": ' || i % 3 || ', "b": "v' || i % 5 || '"}')::JSON"""]
)
def test_fields_of_a_nested_column_have_roles_of_their_own(infer_in_file, nested):
    roles = {column.name: column.role for column in infer_in_file(nested).columns}
    assert roles["x"] is Role.IGNORE
    assert {roles["x.a"], roles["x.b"]} <= set(JUDGED)


@pytest.mark.parametrize(
    ("column", "said", "plain"),
    [
        ("TIMESTAMPTZ '2024-01-01 01:00:00+02' + INTERVAL (i) HOUR", {}, "2023-12-31 23:00:00"),
        ("INTERVAL (i + 60) SECOND", {}, "60.0"),
        ("TIME '00:01:00' + INTERVAL (i) SECOND", {}, "60.0"),
        ("(60 + i / 4)::DECIMAL(9, 2)", {}, "60.0"),
        ("DATE '1970-01-02' + (i // 2)::INT", {Role.NUMBER: ["x"]}, "86400.0"),
        ("'1.5'", {Role.NUMBER: ["x"]}, "1.5"),
        ("i % 2 = 1", {}, "false"),
    ],
)
def test_values_are_read_in_their_plain_type(database, column, said, plain):
    with Table(database(f"CREATE TABLE t AS SELECT {column} AS x, i % 3 AS c FROM range({N}) t(i)")) as table:
        values = infer_roles(table, said).select()
        first = next(table.batches(values, [], None, 9))["x"][0]
    assert str(first) == plain


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("i AS y", "no such column in t: x"),
        ("'a' AS x", "column x of t is VARCHAR, but the model was fitted on INTEGER"),
    ],
)
def test_a_fitted_column_that_is_missing_or_of_another_kind(infer_in_file, database, column, message):
    fitted = infer_in_file("(i // 2)::INTEGER")
    source = database(f"CREATE TABLE t AS SELECT {column}, 'p' AS plain FROM range(9) t(i)", name="b.duckdb")
    with Table(source) as table, pytest.raises(SourceError, match=message):
        match_roles(fitted, table)


@pytest.mark.parametrize("kind", ["BIGINT", "DOUBLE", "DECIMAL(9, 2)", "UTINYINT"])
def test_a_fitted_number_may_become_another_number(infer_in_file, database, kind):
    fitted = infer_in_file("(i // 2)::INTEGER")
    source = database(f"CREATE TABLE t AS SELECT i::{kind} AS x, 'p' AS plain FROM range(9) t(i)", name="b.duckdb")
    with Table(source) as table:
        assert [column.role for column in match_roles(fitted, table).columns] == ["number", "category"]


def test_what_a_configuration_ignores_keeps_the_reason_why_it_would_not_be_used_in_any_case(run, database):
    path = database(
        "CREATE TABLE t AS SELECT i AS id, 'one' AS host, 'k' || i % 5 AS k, 'c' || i % 3 AS c FROM range(99) r(i)"
    )
    assert run("init", path, "-o", "t.toml", "--ignore", "c").code == 0
    said = run("fit", "t.toml").err
    assert re.search(r"^not used +host: the same value in every record$", said, re.MULTILINE), said
    assert re.search(r"^not used +c: user-specified$", said, re.MULTILINE)


def test_a_column_that_is_named_like_a_message_is_one():
    lines = [f"cache hit user:{at % 90}" if at % 2 else "health ok" for at in range(300)]
    names = {"log": lines, "lastMessage": lines, "catalog": lines, "msg": ["health ok", "going down"] * 150}
    with Table(pl.DataFrame(names)) as table:
        roles = infer_roles(table, find_key=False)
    assert [column.role for column in roles.columns] == [Role.TEXT, Role.TEXT, Role.CATEGORY, Role.CATEGORY]

"""Nested records: their fields are columns, and a model finds them in other files."""

import json
from pathlib import Path

import polars as pl
import pytest

from anomembed import Config, fit_model, score_table
from anomembed.errors import SourceError
from anomembed.read.columns import MOST_FIELDS
from anomembed.read.table import Table


def values(source, *names, order="id"):
    with Table(source) as table:
        select = {name: table.column(name).expression for name in names}
        frame = next(table.batches(select, [table.column(order)], None, 1000))
    return frame.sort(order).drop(order).rows()


def names_of(source):
    with Table(source) as table:
        return [column.name for column in table.columns]


def test_structs_are_flattened_however_deep(database):
    source = database(
        "CREATE TABLE t AS SELECT i AS id, {'b': {'c': {'d e': i * 2, 'f': 'x'}}} AS a FROM range(3) t(i)"
    )
    assert names_of(source) == ["id", "a", "a.b.c.d e", "a.b.c.f"]
    assert values(source, "a.b.c.d e") == [(0,), (2,), (4,)]


def test_a_list_is_the_set_of_its_values_and_their_number(database):
    source = database(
        "CREATE TABLE t AS FROM (VALUES (0, ['b', 'a', 'b']), (1, ['a', 'b']), (2, []::VARCHAR[]), (3, NULL)) "
        "v(id, tags)"
    )
    assert values(source, "tags.count", "tags.values") == [(3, "a,b"), (2, "a,b"), (0, ""), (None, None)]


def test_the_fields_of_a_list_of_structs_are_sets_and_maxima(database):
    items = "[{'sku': 'p', 'price': 2.5::DOUBLE, 'to': [{'x': 'u'}]}, {'sku': 'o', 'price': 9, 'to': [{'x': 'v'}]}]"
    source = database(f"CREATE TABLE t AS SELECT 0 AS id, {items} AS items")
    names = ("items.count", "items.sku", "items.price.max", "items.to.x")
    assert values(source, *names) == [(2, "o,p", 9.0, "u,v")]


def test_a_map_has_a_column_for_each_of_few_keys(database):
    few = database("CREATE TABLE t AS SELECT i AS id, MAP {'k' || i: i} AS m FROM range(3) t(i)", name="few.duckdb")
    assert names_of(few) == ["id", "m", "m.k0", "m.k1", "m.k2"]
    assert values(few, "m.k1") == [(None,), (1,), (None,)]
    many = database("CREATE TABLE t AS SELECT i AS id, MAP {'k' || i: i} AS m FROM range(99) t(i)", name="many.duckdb")
    assert names_of(many) == ["id", "m", "m.keys"]


def test_json_is_flattened_in_the_types_of_its_values(database):
    rows = [{"a": {"n": 1, "x": [{"y": "p"}, {"y": "q"}]}, "ok": True}, {"a": {"n": 2.5}, "more": [1, 1]}]
    texts = ", ".join(f"({i}, '{json.dumps(row)}'::JSON)" for i, row in enumerate(rows))
    source = database(f"CREATE TABLE t AS FROM (VALUES {texts}) v(id, j)")
    names = ("j.a.n", "j.a.x.count", "j.a.x.y", "j.ok", "j.more.values")
    assert values(source, *names) == [(1.0, 2, "p,q", True, None), (2.5, None, None, None, "1")]


def test_a_field_named_like_a_column_is_left_to_the_column(database):
    assert names_of(database("CREATE TABLE t AS SELECT {'b': 1} AS a, 2 AS \"A.B\"")) == ["a", "A.B"]


def test_vectors_stay_whole(database):
    assert names_of(database("CREATE TABLE t AS SELECT [1.0, 2.0] AS v")) == ["v"]


def test_too_many_fields_are_told(database):
    struct = ", ".join(f"'f{i}': {i}" for i in range(MOST_FIELDS + 5))
    with Table(database(f"CREATE TABLE t AS SELECT {{{struct}}} AS s")) as table:
        assert len(table.columns) == MOST_FIELDS + 1
        assert table.notes == (
            f"5 nested fields beyond the first {MOST_FIELDS} are not read; select those that matter by a query",
        )


def events(n, *, more=True):
    """The role decides the call; every fifth record has a reason."""
    for i in range(n):
        event = {"id": i, "who": {"role": "ab"[i % 2]}, "call": "ab"[i % 2] + "xyz"[i % 3]}
        yield event | ({"why": {"reason": "pq"[i % 2]}} if more and i % 5 == 0 else {})


def write(path, records):
    Path(path).write_text("".join(json.dumps(record) + "\n" for record in records))


def test_a_field_that_a_later_file_lacks_is_missing_and_no_error():
    write("march.ndjson", events(900))
    odd = {"id": -1, "who": {"role": "a"}, "call": "bx"}
    write("april.ndjson", [*events(60, more=False), odd])
    model = fit_model("march.ndjson", config=Config(roles={"key": ["id"]}, flags={"budget": 1}))
    assert "why.reason" in {column.name for column in model.roles.judged}
    assert score_table(model, "april.ndjson").flags.frame["id"].to_list() == [-1]


def test_another_file_altogether_is_an_error():
    write("march.ndjson", events(300))
    write("other.ndjson", [{"id": i, "x": i % 3} for i in range(99)])
    model = fit_model("march.ndjson", config=Config(roles={"key": ["id"]}))
    with pytest.raises(SourceError, match="no such column"):
        score_table(model, "other.ndjson")


def test_a_column_that_a_later_table_lacks_is_an_error():
    frame = pl.DataFrame({"id": range(300), "a": ["x", "y", "z"] * 100, "b": ["u", "v"] * 150})
    model = fit_model(frame, config=Config(roles={"key": ["id"]}))
    with pytest.raises(SourceError, match="no such column"):
        score_table(model, frame.drop("b"))


def test_a_planted_call_deep_in_a_list_is_found(run):
    usual = [{"user": f"u{i % 4}", "calls": [{"name": f"n{i % 4}"}, {"name": "login"}]} for i in range(400)]
    usual[123]["calls"] = [{"name": "n0"}, {"name": "login"}]  # of u3
    Path("calls.json").write_text(json.dumps({"Records": [{"id": i, **record} for i, record in enumerate(usual)]}))
    outcome = run("scan", "calls.json", "--key", "id", "--budget", "1", "--format", "csv")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[1].startswith("123,1,")


def test_json_that_is_an_object_here_and_a_value_there_is_both():
    rows = [
        {"id": 0, "port": 80, "to": {"host": "a"}, "who": {"id": 7, "tags": ["x", 1]}},
        {"id": 1, "port": "http", "to": "nobody", "who": {"id": "seven", "tags": ["x"]}},
        {"id": 2, "port": 2.5, "to": ["a", "b"], "who": None},
    ]
    Path("x.ndjson").write_text("\n".join(map(json.dumps, rows)))
    assert values("x.ndjson", "port", "who.id", "who.tags.values") == [
        ("80", "7", "1,x"),
        ("http", "seven", "x"),
        ("2.5", None, None),
    ]
    assert values("x.ndjson", "to", "to.host") == [(None, "a"), ("nobody", None), ('["a","b"]', None)]


def test_records_in_lists_of_lists_are_found():
    """As OpenTelemetry exports them."""
    records = [{"timeUnixNano": str(1_767_254_400_000_000_000 + i), "severity": "INFO"} for i in range(90)]
    nested = {"resourceLogs": [{"resource": {"host": "h"}, "scopeLogs": [{"logRecords": records}]}]}
    Path("otel.json").write_text(json.dumps(nested))
    with Table("otel.json") as table:
        assert table.count() == 90
        assert table.notes[0] == "the records are the items of resourceLogs"
        assert table.notes[-1] == "the records are the items of logRecords"

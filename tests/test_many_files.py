"""Sixty small files of JSON are the same table as one: an hour's log has one file, a month's has hundreds."""

import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from anomembed.errors import SourceError
from anomembed.read.files import joining
from anomembed.read.table import Table

N_FILES, N = 60, 5  # and records in each
RECORDS = [{"id": i, "shop": f"Café {i % 3}", "nested": {"to": i / 4}} for i in range(N_FILES * N)]
FORMS = {
    "lines": lambda records: "\n".join(map(json.dumps, records)),  # without an end of the last line
    "array": json.dumps,
    "pretty": lambda records: f" \n{json.dumps(records, indent=2)}\n ",
    "objects": lambda records: "".join(json.dumps(record, indent=1) for record in records),
    "envelope": lambda records: json.dumps({"Records": records}, indent=1),
    "line": lambda records: json.dumps({"Records": records}),
}


def write(form, parts, compress=bytes, encoding="utf-8"):
    for number, records in enumerate(parts):
        Path(f"part-{number:02}").write_bytes(compress(FORMS[form](records).encode(encoding)))


def parts_of(records):
    return [records[start : start + N] for start in range(0, len(records), N)]


def read(names=("id", "shop", "nested.to")):
    """All records, in the order in which they are read."""
    with Table("part-*") as table:
        select = {name: table.column(name).expression for name in names}
        return pl.concat(table.batches(select, [], None, 1000)).select(names).rows()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("compress", "encoding"), [(bytes, "utf-8"), (gzip.compress, "utf-8"), (bytes, "utf-16")])
def test_many_files_are_read_in_order_whatever_their_form(form, compress, encoding):
    write(form, parts_of(RECORDS), compress, encoding)
    assert read() == [(record["id"], record["shop"], record["nested"]["to"]) for record in RECORDS]


@pytest.mark.parametrize("form", FORMS)
def test_a_field_that_only_the_last_file_has_is_a_column(form):
    write(form, parts_of([*RECORDS[:-1], {**RECORDS[-1], "late": "z"}]))
    assert read(["id", "late"])[-2:] == [(len(RECORDS) - 2, None), (len(RECORDS) - 1, "z")]


@pytest.mark.parametrize("n_bytes", [1, 2, 3, 7, 64])
def test_arrays_are_joined_wherever_a_block_ends(monkeypatch, n_bytes):
    text = joining.read_text

    def in_blocks(content):
        whole = b"".join(text(content))
        return (whole[start : start + n_bytes] for start in range(0, len(whole), n_bytes))

    monkeypatch.setattr(joining, "read_text", in_blocks)
    records = [{"id": i, "tags": ["a]", "[b"], "none": []} for i in range(N_FILES)]
    parts = [[], *[[record] for record in records[:30]], [], *[[record] for record in records[30:]], []]
    for form in ("array", "pretty"):
        write(form, parts)
        assert [number for (number,) in read(["id"])] == list(range(N_FILES))


@pytest.mark.parametrize(
    ("form", "broken", "why"),
    [
        ("array", '[{"id": 1}, {"id": 2}', "breaks off"),
        ("array", '{"id": 1}', "does not begin with an array"),
        ("array", '[{"id": 1}, {"id" 2}]', "Malformed JSON"),
        ("objects", '{"id": 1', "part-07"),
        ("envelope", '{"Records": [{"id": 1}', "part-07"),
    ],
)
def test_the_one_file_that_is_broken_is_named(form, broken, why):
    write(form, parts_of(RECORDS))
    Path("part-07").write_text(broken)
    with pytest.raises(SourceError, match=why) as error:
        read(["id"])
    assert "part-07" in str(error.value)


def test_lines_that_are_not_json_are_left_out_of_many_files_too():
    write("lines", parts_of(RECORDS))
    Path("part-07").write_text('{"id": 35}\nno json\n{"id"')
    with Table("part-*") as table:
        assert table.count() == len(RECORDS) - N + 1
        assert any("2 of" in note and "not JSON" in note for note in table.notes)


def test_a_large_object_among_many_compressed_files_is_read():
    """Before it is decompressed, nobody knows how large it is."""
    write("envelope", parts_of(RECORDS), gzip.compress)
    large = [{"id": i, "shop": "x" * 4_000, "nested": {"to": 0.5}} for i in range(10_000)]
    Path("part-60").write_bytes(gzip.compress(FORMS["envelope"](large).encode()))
    assert len(read()) == len(RECORDS) + len(large)


def test_large_objects_among_many_are_read_record_by_record():
    write("envelope", parts_of(RECORDS))
    large = [{"id": i, "shop": "x" * 1_000, "nested": {"to": 0.5}} for i in range(20_000)]
    Path("part-60").write_text(FORMS["envelope"](large))
    assert len(read()) == len(RECORDS) + len(large)

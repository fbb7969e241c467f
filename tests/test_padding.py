"""Blanks that fill up the values of a column are no part of them; blanks that only some values have are."""

import json

import polars as pl
import pytest
from databases import opened

from anomembed.read.table import Table

SHOPS = [("Lunar Market", "DE"), ("Café Oslo", "NORWAY"), ("Bar 7", "IT")]
RECORDS = [(str(i), *SHOPS[i * i % 7 % 3]) for i in range(600)]
RECORDS[300] = ("300", "Lunar Market", "NORWAY")
NAMES = ("id", "shop", "country")
WIDTHS = (5, 14, 8)


def written(ahead, between, after, fill):
    lines = [[fill(value, width) for value, width in zip(row, WIDTHS, strict=True)] for row in (NAMES, *RECORDS)]
    return "".join(ahead + between.join(line).removesuffix(" " * 9) + after + "\n" for line in lines)


FORMS = {
    "CHAR(n)": written("", ",", "", str.ljust),
    "CHAR(n) in bytes": written("", ",", "", lambda value, width: value + " " * (width - len(value.encode()))),
    "to the right": written("", ";", "", str.rjust),
    "psql": written(" ", " | ", " ", str.ljust),
    "psql, last column as it is": "\n".join(line.rstrip() for line in written(" ", " | ", "", str.ljust).splitlines()),
    "a blank after commas": written("", ", ", "", lambda value, _: value),
}


@pytest.mark.parametrize("form", FORMS)
def test_padding_is_no_part_of_a_value(form, run, tmp_path):
    (tmp_path / "payments.txt").write_text(FORMS[form] + "\n")
    result = run("scan", "payments.txt", "--budget", "1", "--format", "json", "--where", "country <> 'IT'")
    (flag,) = json.loads(result.out)
    assert flag["id"] == 300
    assert "shop=Lunar Market is unusual with country=NORWAY (" in flag["reason"]
    assert "shop, country: the blanks that fill up the values are left out" in result.err


def values(name, padded):
    with Table(pl.DataFrame({name: padded, "n": range(len(padded))})) as table:
        return table.rows({name: table.column(name).expression}, None)[name].to_list(), table.notes


@pytest.mark.parametrize(
    "kept",
    [
        ["DE", "NO", "DE "] * 9,  # the blank tells two apart
        ["DE ", " DE", "NO "] * 9,  # of one size, but not aligned
        ["DE", "NO"] * 9,
        ["DE", "NO"] * 600 + ["DE "],  # late
        [" ", " "] * 9,
    ],
)
def test_blanks_that_only_some_values_have_stay(kept):
    assert values("country", kept) == (kept, ())


@pytest.mark.parametrize(
    ("padded", "plain"),
    [
        (["DE    ", "NORWAY", "      ", None], ["DE", "NORWAY", None, None]),
        ([" DE", "  DE", " NORWAY"], ["DE", " DE", "NORWAY"]),  # one blank is before all
    ],
)
def test_what_all_values_have_is_left_out(padded, plain):
    assert values("country", padded)[0] == plain


def test_a_padded_column_of_a_database_is_read_without(run, tmp_path):
    with opened(tmp_path / "shop.duckdb") as connection:
        connection.execute("CREATE TABLE t (id INTEGER, shop VARCHAR, country VARCHAR)")
        connection.executemany("INSERT INTO t VALUES (?, rpad(?, 14, ' '), rpad(?, 8, ' '))", RECORDS)
    result = run("scan", "shop.duckdb", "--budget", "1", "--format", "json")
    assert "country=NORWAY (" in json.loads(result.out)[0]["reason"]

"""A kind of token column is one entry in `TRAITS`: its codes in SQL and in Python agree, and so does what it shows."""

import datetime as dt

import duckdb
import numpy as np
import polars as pl
import pytest

from anomembed.represent.tokens.kinds import TRAITS, show_value
from anomembed.represent.tokens.learning import (
    category_tokens,
    identifier_tokens,
    number_tokens,
    template_tokens,
    time_tokens,
    vector_tokens,
)
from anomembed.represent.tokens.template_learning import fit_templates
from anomembed.represent.tokens.templates import count_shapes
from anomembed.represent.tokens.value_counts import count_values
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, Kind, Special, Vocabulary

N = 400
MOMENTS = pl.Series("at", [dt.datetime(2026, 1, 1) + dt.timedelta(hours=7 * i) for i in range(N)])
MESSAGES = pl.Series("text", [f"job {i} took {i % 7} s" if i % 2 else f"user {i} left" for i in range(N)])
VECTORS = pl.Series("v", [[float(i), 1.0, 2.0, 3.0, 4.0] for i in range(N)], dtype=pl.Array(pl.Float32, 5))
FRAME = pl.DataFrame({"pet": ["cat", "dog"] * (N // 2), "x": np.arange(N) / 3, "at": MOMENTS, "text": MESSAGES})
FRAME = FRAME.with_columns(VECTORS, invoice=pl.Series([f"INV-2026-{i:03}" for i in range(N)]))
TEMPLATES = fit_templates(count_shapes(MESSAGES))
VOCABULARY = Vocabulary(
    (
        category_tokens("pet", count_values(FRAME["pet"]), 1),
        number_tokens("x", FRAME["x"].to_numpy(), 4),
        *time_tokens("at", MOMENTS),
        template_tokens("text", TEMPLATES, 0, 0, 1),
        *identifier_tokens("invoice", FRAME["invoice"]),
        vector_tokens("v", VECTORS),
    )
)
COLUMNS = {column.kind: column for column in VOCABULARY.columns}


def test_every_kind_has_an_entry_and_is_tried_here():
    assert set(TRAITS) == set(COLUMNS) == set(Kind)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind.traits.is_coded_in_sql])
def test_codes_in_sql_are_those_in_python(kind):
    records = FRAME.select("at")
    sql = kind.traits.sql.format('"at"')
    found = duckdb.sql(f"SELECT {sql} AS code FROM records").pl()["code"].to_numpy()
    assert len(records)
    assert np.array_equal(found + FIRST_VALUE, COLUMNS[kind].encode(FRAME))


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (Kind.VALUE, "dog"),
        (Kind.BIN, "0.3333333333"),
        (Kind.HOUR, "07h"),
        (Kind.WEEKDAY, "Thursday"),
        (Kind.MONTH_PART, "first day"),
        (Kind.TEMPLATE, "job <num> took <num>"),
        (Kind.IDENTIFIER, "INV-2026-001"),
        (Kind.VECTOR, "[1, 1, 2, 3, ...]"),
    ],
)
def test_a_value_is_shown_as_people_know_it(kind, shown):
    column, value = COLUMNS[kind], FRAME[COLUMNS[kind].source].to_list()[1]
    assert column.show(value, int(column.encode(FRAME)[1])) == shown
    assert column.show(None, int(Special.MISSING)) == "(missing)"


def test_a_message_without_a_template_and_a_short_vector_are_shown_whole():
    assert show_value(Kind.TEMPLATE, "what is this?", Special.UNSEEN, "(unseen)") == "what is this?"
    assert show_value(Kind.VECTOR, [0.5, 2.0], FIRST_VALUE, "2 numbers") == "[0.5, 2]"


def test_which_kinds_are_habits_texts_and_numbers():
    assert [column.kind for column in VOCABULARY.columns if column.is_habitual] == [
        Kind.VALUE,
        Kind.HOUR,
        Kind.WEEKDAY,
        Kind.MONTH_PART,
    ]
    assert {kind for kind in Kind if kind.traits.is_text} == {Kind.VALUE, Kind.TEMPLATE}
    assert {kind for kind in Kind if kind.traits.is_number} == {Kind.BIN}
    assert {kind for kind in Kind if kind.traits.is_presence} == {Kind.IDENTIFIER, Kind.VECTOR}
    assert {kind for kind in Kind if kind.traits.is_vector} == {Kind.VECTOR}
    assert {kind for kind in Kind if kind.traits.is_circular} == {Kind.HOUR}
    assert {kind for kind in Kind if kind.traits.is_calendar} == {Kind.MONTH_PART}


def test_parts_of_a_month_end_with_its_last_day():
    days = [dt.datetime(2024, 2, day, 23) for day in (1, 2, 10, 11, 20, 21, 28, 29)] + [dt.datetime(2025, 2, 28)]
    frame = pl.DataFrame({"at": [*days, dt.datetime(2025, 12, 30), dt.datetime(2025, 12, 31), None]})
    codes = COLUMNS[Kind.MONTH_PART].encode(frame).tolist()
    assert [code - FIRST_VALUE for code in codes[:-1]] == [0, 1, 1, 2, 2, 3, 3, 4, 4, 3, 4]
    assert codes[-1] == Special.MISSING
    records = frame.drop_nulls()
    sql = Kind.MONTH_PART.traits.sql.format('"at"')
    assert duckdb.sql(f"SELECT {sql} + {FIRST_VALUE} AS code FROM records").pl()["code"].to_list() == codes[:-1]
    assert len(records)

"""Windows over the past of entities, in arrays, beside the same counted one record at a time."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomembed.read import extending
from anomembed.read.streams import Streams, ranks_of
from anomembed.read.table import HASH, Table
from anomembed.workers.compiled import compiler_spared

RECORDS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "", None]),
        st.none() | st.integers(0, 9),
        st.sampled_from([0.0, 1.0, 0.1, 1e150, 1e40, 1e24 / 3, -2.5, np.nan, 3e-9]),
    ),
    max_size=30,
)


def of(records):
    frame = pl.DataFrame(
        {"who": [r[0] for r in records], "at": [r[1] for r in records], "x": [r[2] for r in records]},
        schema={"who": pl.String, "at": pl.Int64, "x": pl.Float64},
    ).with_row_index("row")
    frame = frame.with_columns(pl.col("at") * 1_000_000)
    return frame, Streams.of(frame["who"], frame["at"], frame["row"].to_numpy())


@pytest.mark.parametrize("spared", [False, True])
@settings(max_examples=150, deadline=None)
@given(records=RECORDS, seconds=st.integers(0, 5), most=st.integers(1, 4))
def test_windows_hold_what_is_counted_record_by_record(spared, records, seconds, most):
    frame, streams = of(records)
    values = streams.numbers(frame["x"])
    with compiler_spared(is_spared=spared):
        window, latest = streams.within(seconds, values[:, None]), streams.latest(values, most)
    known = [(who, at, row, x) for row, (who, at, x) in enumerate(records) if who is not None and at is not None]
    assert sorted(streams.rows.tolist()) == [row for *_, row, _ in known]
    for index, row in enumerate(streams.rows.tolist()):
        who, at, x = records[row]
        stream = sorted((a, r) for w, a, r, _ in known if w == who)
        place = stream.index((at, row))
        near = [records[r][2] for a, r in stream if at - seconds <= a <= at]
        assert streams.places[index] == place
        assert window.counts[index] == len(near)
        finite = [v for v in near if np.isfinite(v)]
        assert window.sums[index, 0] == pytest.approx(float(sum(map(Fraction, finite))), rel=1e-12)
        last = [records[r][2] for _, r in stream[max(place - most + 1, 0) : place + 1]]
        last = [v for v in last if np.isfinite(v)]
        assert latest.counts[index] == len(last)
        assert np.isnan(latest.means[index]) if not last else latest.means[index] == sum(last) / len(last)
        run = 1
        while run <= place and records[stream[place - run][1]][2] == x:
            run += 1
        assert streams.runs(values)[index] == run
        before = streams.before(values, 2)[index]
        assert np.array_equal(before, records[stream[place - 2][1]][2] if place >= 2 else np.nan, equal_nan=True)


def test_large_numbers_that_have_left_a_window_leave_nothing_behind():
    values = [1e40, 1e24 / 3, 1.23, 2.0, 3.0, 1e16, 1.0, 1.0, 0.25]
    _, streams = of([("a", at, x) for at, x in enumerate(values)])
    sums = streams.within(1, np.array(values)[:, None]).sums[:, 0]
    assert sums.tolist() == [values[0], *(a + b for a, b in pairwise(values))]


def test_contacts_are_those_of_one_entity_with_one_other():
    frame, streams = of([(who, at, 0.0) for at, who in enumerate("abababba")])
    contacts = streams.contacts(pl.Series(["x", "x", "y", None, "x", "x", "x", "y"]))
    found = dict(zip(contacts.rows.tolist(), contacts.places.tolist(), strict=True))
    assert found == {0: 0, 4: 1, 2: 0, 7: 1, 1: 0, 5: 1, 6: 2}
    assert contacts.in_rows("place", contacts.places).to_list() == [0, 0, 0, None, 1, 1, 2, 1]
    assert len(contacts) == 7 < len(streams) == frame.height


def test_texts_are_ranked_by_their_bytes_and_null_last():
    assert ranks_of(pl.Series(["b", None, "a", "Z", "b", "ä"])).tolist() == [2, 4, 1, 0, 2, 3]
    assert ranks_of(pl.Series([None, None], dtype=pl.String)).tolist() == [0, 0]


def test_columns_are_the_same_in_one_part_and_in_many(monkeypatch):
    frame = pl.DataFrame({"who": [f"u{i % 7}" if i % 11 else None for i in range(500)], "x": range(500)})

    def added():
        with Table(frame) as table:
            computed = extending.Computed(
                {"who": "who", "x": "x"},
                "who",
                lambda records: records.select(
                    pl.when(pl.col("who").is_not_null()).then(column).alias(name)
                    for name, column in {"n": pl.len().over("who"), "largest": pl.col("x").max().over("who")}.items()
                ),
            )
            table.extend(computed, ("n", "largest"))
            table.extend(f"SELECT {HASH}, 1 AS one FROM records WHERE x < 10", ("one",))
            return table.rows({name: name for name in ("who", "x", "n", "largest", "one")}, None)

    whole = added()
    monkeypatch.setattr(extending, "PART", 100)
    assert added().equals(whole)
    assert whole["x"].to_list() == list(range(500))
    assert whole.filter(who="u3")["n"].unique().to_list() == [whole.filter(who="u3").height]

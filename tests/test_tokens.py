import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from anomembed.represent.keys import distinct
from anomembed.represent.tokens.learning import category_tokens, number_tokens, time_tokens
from anomembed.represent.tokens.value_counts import ValueCounts, count_values
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, Special, Vocabulary

numbers = arrays(
    np.float64, st.integers(1, 40), elements=st.integers(-5, 5) | st.floats(-1e300, 1e300) | st.just(np.nan)
)


def pets(min_count=1, n_other=0):
    counts = pl.DataFrame({"value": ["cat", "dog", "eel", "fox"], "n_records": [50, 30, 3, 1]})
    return category_tokens("pet", ValueCounts(counts, n_other, 10), min_count)


def said(column, *values):
    codes = column.encode(pl.DataFrame({column.source: pl.Series(values, dtype=pl.String)}))
    return [column.labels[code] for code in codes]


def binned(column, *values):
    return column.encode(pl.DataFrame({column.source: np.array(values, np.float64)})).tolist()


def test_missing_rare_and_unseen_are_three_things():
    assert said(pets(min_count=5), "cat", None, "fox", "gnu") == ["cat", "(missing)", "(rare)", "(unseen)"]


def test_without_a_smallest_count_every_value_keeps_its_token():
    assert said(pets(), "fox", "gnu") == ["fox", "(unseen)"]


def test_a_value_that_was_not_kept_is_rare():
    assert said(pets(n_other=7), "gnu") == ["(rare)"]


def test_null_the_empty_text_and_the_word_null_differ():
    counts = pl.DataFrame({"value": ["", "null", "(missing)"], "n_records": [3, 2, 1]})
    column = category_tokens("a", ValueCounts(counts, n_missing=1), 1)
    codes = column.encode(pl.DataFrame({"a": ["", "null", "(missing)", None]}))
    assert codes.tolist() == [FIRST_VALUE, FIRST_VALUE + 1, FIRST_VALUE + 2, Special.MISSING]


def test_counts_of_values_and_of_those_that_are_rare():
    column = pets(min_count=5)
    assert column.counts.tolist() == [10, 2, 0, 50, 30]  # two rare values, with 3 and 1 records
    assert column.n_records == 94


def test_a_column_of_nothing_but_nulls():
    empty = pl.DataFrame({"value": [], "n_records": []}, schema={"value": pl.String, "n_records": pl.Int64})
    assert said(category_tokens("a", ValueCounts(empty, n_missing=5), 1), None, "x") == ["(missing)", "(unseen)"]


def test_bins_that_six_digits_cannot_tell_apart_have_more():
    exact = number_tokens("zip", np.arange(1000001.0, 1000011), 10).labels[3:]
    assert len(set(exact)) == len(exact)
    assert {"1000001", "1000010", "below 1000001", "1000001 to 1000002"} <= set(exact)
    assert "0.1" in number_tokens("x", np.array([0.1, 0.2, 0.3]), 10).labels


def test_numbers_out_of_range_have_bins_that_the_reference_never_fills():
    column = number_tokens("x", np.arange(100.0), 4)
    below, lowest, highest, above = binned(column, -0.001, 0, 99, 99.001)
    assert (below, above) == (FIRST_VALUE, len(column.labels) - 1)
    assert column.counts[[below, above]].tolist() == [0, 0]
    assert column.counts[[lowest, highest]].min() > 0


def test_a_bin_begins_with_its_lower_edge():
    column = number_tokens("x", np.arange(100.0), 4)
    assert column.edges[:4].tolist() == [0, 24, 49, 74]
    assert binned(column, 23.9, 24, 48.9, 49) == [4, 5, 5, 6]
    assert column.counts.tolist() == [0, 0, 0, 0, 24, 25, 25, 26, 0]
    assert column.typical()[[4, 5, 6, 7]].tolist() == [0, 24, 49, 74]


def test_a_heavy_value_has_its_own_bin():
    column = number_tokens("x", np.r_[np.zeros(900), np.arange(1, 101.0)], 10)
    zero, little, some, much = binned(column, 0, 0.5, 20, 90)
    assert len({zero, little, some, much}) == 4
    assert column.labels[zero] == "0"
    assert column.counts[zero] == 900
    assert column.typical()[zero] == 0


def test_few_distinct_numbers_have_a_bin_each():
    column = number_tokens("x", np.array([1.0, 2, 2, 5]), 8)
    assert [column.labels[code] for code in binned(column, 1, 2, 5, 0, 6)] == ["1", "2", "5", "below 1", "above 5"]


def test_missing_and_infinite_numbers():
    column = number_tokens("x", np.array([1.0, 2, 3, np.nan, np.inf, -np.inf]), 4)
    last = len(column.labels) - 1
    assert binned(column, np.nan, np.inf, -np.inf) == [Special.MISSING, last, FIRST_VALUE]
    assert np.isfinite(column.edges).all()
    assert column.counts[[Special.MISSING, last, FIRST_VALUE]].tolist() == [1, 1, 1]


def test_a_column_without_any_number():
    column = number_tokens("x", np.full(5, np.nan), 4)
    assert binned(column, np.nan, 1, -np.inf) == [Special.MISSING, FIRST_VALUE, FIRST_VALUE]
    assert np.isnan(column.typical()).all()


@given(numbers, st.integers(2, 12))
def test_bins_count_every_record_once_and_follow_the_order_of_numbers(values, bins):
    column = number_tokens("x", values, bins)
    codes = column.encode(pl.DataFrame({"x": np.sort(values)}))[: np.isfinite(values).sum()]
    assert column.counts.sum() == len(values)
    assert (np.diff(codes) >= 0).all()
    assert column.counts[[FIRST_VALUE, -1]].sum() == 0 or len(column.edges) == 0
    if len(codes):
        assert binned(column, *column.typical()[codes]) == codes.tolist()  # what a bin stands for lies in it


def test_hour_and_weekday():
    moments = pl.Series([dt.datetime(2025, 3, 3, 0, 5), dt.datetime(2025, 3, 16, 23, 59), None])
    hour, weekday = time_tokens("at", moments)
    frame = pl.DataFrame({"at": moments})
    assert [hour.labels[code] for code in hour.encode(frame)] == ["00h", "23h", "(missing)"]
    assert [weekday.labels[code] for code in weekday.encode(frame)] == ["Monday", "Sunday", "(missing)"]
    assert (hour.name, weekday.name) == ("at hour", "at weekday")


def test_a_part_of_time_that_never_varies_is_left_out():
    moments = pl.Series([dt.datetime(2025, 3, day) for day in (3, 4, 12)])
    assert [column.name for column in time_tokens("on", moments)] == ["on weekday"]


def test_a_part_of_time_is_a_habit_only_when_the_reference_is_longer_than_its_period():
    def parts(**span: int) -> list[str]:
        first = dt.datetime(2025, 3, 3, 9)
        return [column.name for column in time_tokens("at", pl.Series([first, first + dt.timedelta(**span)]))]

    assert parts(hours=23) == []
    assert parts(hours=25) == ["at hour"]
    assert parts(days=6, hours=1) == ["at hour"]
    assert parts(days=8, hours=1) == ["at hour", "at weekday"]
    assert time_tokens("at", pl.Series([None, None], dtype=pl.Datetime("us"))) == []


def test_the_hour_tells_missing_times_however_short_the_reference():
    moments = pl.Series([dt.datetime(2025, 3, 3, 9), dt.datetime(2025, 3, 3, 10), None])
    (hour,) = time_tokens("at", moments)
    assert [hour.labels[code] for code in hour.encode(pl.DataFrame({"at": moments}))] == ["09h", "10h", "(missing)"]


def test_a_vocabulary_numbers_its_columns_one_after_the_other():
    vocabulary = Vocabulary((pets(), number_tokens("x", np.array([1.0, 2.0]), 4)))
    tokens = vocabulary.encode(pl.DataFrame({"pet": ["dog", None], "x": [2.0, None]}))
    assert [vocabulary.label(token) for token in tokens.ravel()] == ["dog", "2", "(missing)", "(missing)"]
    assert vocabulary.special(int(tokens[0, 1])) is None
    assert [vocabulary.special(int(token)) for token in tokens[1]] == [Special.MISSING] * 2
    assert vocabulary.size == vocabulary.offsets[-1] == len(vocabulary.counts()) == len(vocabulary.surprise())


def test_no_records_no_tokens():
    frame = pl.DataFrame(schema={"pet": pl.String, "x": pl.Float64})
    assert Vocabulary((pets(), number_tokens("x", np.ones(3), 4))).encode(frame).shape == (0, 2)


def test_surprise_grows_with_rarity_and_is_finite():
    surprise = pets().surprise()
    missing, _, unseen, cat, dog, eel, fox = surprise
    assert cat < dog < missing < eel < fox < unseen < np.inf
    assert unseen == pytest.approx(-np.log(0.5 / 95))
    assert surprise.min() > 0


@given(arrays(np.int32, st.tuples(st.integers(0, 30), st.integers(1, 4)), elements=st.integers(-3, 3)))
def test_distinct_records_in_the_order_of_their_first_appearance(tokens):
    rows, place, times = distinct(tokens)
    assert rows.tolist() == list(map(list, dict.fromkeys(map(tuple, tokens.tolist()))))
    assert (rows[place] == tokens).all()
    assert (np.bincount(place, minlength=len(rows)) == times).all()


words = st.lists(st.sampled_from("abcdefgh") | st.none(), max_size=60)


@given(words, words, st.integers(1, 8))
def test_counts_of_values_add_and_say_what_they_may_lack(day_1, day_2, most):
    """What was cut from one part cannot be told apart any more, but how much a value may lack is known."""
    parts = [count_values(pl.Series(day, dtype=pl.String)) for day in (day_1, day_2)]
    whole = count_values(pl.Series(day_1 + day_2, dtype=pl.String))
    assert (parts[0] + parts[1]).counts.equals(whole.counts)
    summed = parts[0].cut(most) + parts[1].cut(most)
    assert summed.n_missing == whole.n_missing
    assert summed.counts["n_records"].sum() + summed.n_other == whole.counts["n_records"].sum()
    found = dict(summed.counts.iter_rows())
    for value, n_records in whole.counts.iter_rows():
        assert 0 <= n_records - found.get(value, 0) <= summed.most_cut


@given(words, words, st.integers(1, 8))
def test_counts_without_some_records_are_those_of_the_others(kept, gone, most):
    counted = count_values(pl.Series(kept + gone, dtype=pl.String)).cut(most)
    left = counted.without(pl.Series(gone, dtype=pl.String))
    true = dict(count_values(pl.Series(kept, dtype=pl.String)).counts.iter_rows())
    assert all(n_records == true[value] for value, n_records in left.counts.iter_rows())
    assert left.counts["n_records"].sum() + left.n_other == sum(true.values())
    assert left.n_missing == kept.count(None)

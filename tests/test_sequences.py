from collections import Counter
from itertools import chain, pairwise

import numpy as np
import polars as pl
import pytest
from databases import opened
from hypothesis import given
from hypothesis import strategies as st

from anomembed import Config, fit_model, load_model, score_table
from anomembed.errors import ConfigError, DataError, SourceError
from anomembed.fit.messages import event_tokens
from anomembed.read import sequences as reading
from anomembed.read.sequences import EVENTS, form_sequences, read_sequences, sampled, sequence_roles
from anomembed.read.table import Table
from anomembed.represent.batch import Batch
from anomembed.represent.embeddings.ppmi_svd import fit_ppmi_svd
from anomembed.represent.sequences import (
    LONGEST_GRAM,
    NEAR,
    Sequences,
    count_neighbours,
    count_ngrams,
    count_steps,
    encode_sequences,
    usual_counts,
)
from anomembed.represent.sequences.tallies import find, hashed, sum_by_key
from anomembed.represent.tokens.learning import category_tokens
from anomembed.represent.tokens.value_counts import count_values
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, Special
from anomembed.views.cases import SequenceCases
from anomembed.views.gap import GapView, _fit_times
from anomembed.views.order import OrderView
from anomembed.views.sequence import SequenceView
from anomembed.views.step import StepView
from anomembed.views.unseen import UnseenView
from anomembed.views.view import SequenceBasis
from anomembed.write.models import save_model
from anomembed.write.store import Store

N_TOKENS = 4
START, END = N_TOKENS, N_TOKENS + 1
lists = st.lists(st.lists(st.integers(0, N_TOKENS - 1), min_size=1, max_size=6), min_size=1, max_size=8)


def sequences_of(rows):
    starts = np.cumsum([0, *map(len, rows)])
    return Sequences(np.array([event for row in rows for event in row], np.int32), starts)


def ones(rows):
    return np.ones(len(rows), np.int64)


# ------------------------------------------------------------------------------------------------------- counting
@given(lists)
def test_neighbours_equal_counting_one_by_one(rows):
    together = np.zeros((N_TOKENS, N_TOKENS))
    for row in rows:
        for i, a in enumerate(row):
            for b in row[i + 1 : i + 1 + NEAR]:
                together[a, b] += 1
                together[b, a] += 1
    counted = count_neighbours(sequences_of(rows), ones(rows), N_TOKENS)
    assert (counted.single == together.sum(axis=1)).all()
    np.fill_diagonal(together, together.sum(axis=1))
    assert (counted.together.toarray() == together).all()


def naive_chance(rows, before, event, own=0.0, longest=LONGEST_GRAM):
    """Recompute the chance of an event from lists."""
    grams = [
        tuple(padded[i - size + 1 : i + 1])
        for size in range(1, longest + 1)
        for row in rows
        for padded in [[START] * LONGEST_GRAM + row + [END]]
        for i in range(LONGEST_GRAM, len(padded))
    ]
    padded = [START] * LONGEST_GRAM + before
    chance = 1.0
    for size in range(1, longest + 1):
        context = tuple(padded[len(padded) - size + 1 :])
        following = [gram[-1] for gram in grams if len(gram) == size and gram[:-1] == context]
        seen, here = max(following.count(event) - own, 0), max(len(following) - own, 0)
        if size == 1:
            chance = (seen + 0.5) / (here + 0.5 * (N_TOKENS + 2))
        else:
            many = max(len(set(following)), 1)
            chance = (seen + many * chance) / (here + many)
    return chance


@given(lists, st.lists(st.integers(0, N_TOKENS - 1), min_size=1, max_size=5), st.sampled_from([0.0, 1.0]))
def test_surprise_equals_counting_one_by_one(rows, judged, own):
    ngrams = count_ngrams(sequences_of(rows), ones(rows), N_TOKENS)
    surprise, starts = ngrams.surprise(sequences_of([judged]), own)
    by_length, _ = ngrams.surprises(sequences_of([judged]), own)
    assert starts.tolist() == [0, len(judged) + 1]
    assert surprise.tolist() == by_length[-1].tolist()
    for longest, nats in enumerate(by_length, 1):
        expected = [naive_chance(rows, judged[:i], event, own, longest) for i, event in enumerate([*judged, END])]
        assert np.exp(-nats) == pytest.approx(expected)


@given(lists, st.lists(st.integers(0, N_TOKENS - 1), max_size=6), st.integers(1, LONGEST_GRAM))
def test_chances_are_those_that_surprise_comes_from(rows, before, longest):
    ngrams = count_ngrams(sequences_of(rows), ones(rows), N_TOKENS)
    chances = ngrams.chances(np.array(before, np.int64), longest)
    for event in [*range(N_TOKENS), END]:
        assert chances[event] == pytest.approx(naive_chance(rows, before, event, longest=longest))


@given(lists, lists)
def test_ngrams_of_two_days_add(day_1, day_2):
    both = count_ngrams(sequences_of(day_1 + day_2), ones(day_1 + day_2), N_TOKENS)
    summed = count_ngrams(sequences_of(day_1), ones(day_1), N_TOKENS) + count_ngrams(
        sequences_of(day_2), ones(day_2), N_TOKENS
    )
    for a, b in zip((*both.grams, *both.times), (*summed.grams, *summed.times), strict=True):
        assert a.tolist() == b.tolist()


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(1, 5)), max_size=40), st.integers(1, 5))
def test_weights_are_summed_by_key_and_keys_are_found(weighted, again):
    keys = np.array([key for key, _ in weighted * again], np.int64)
    found, sums = sum_by_key(keys, np.array([weight for _, weight in weighted * again], float))
    expected = Counter()
    for key, weight in weighted * again:
        expected[key] += weight
    assert dict(zip(found.tolist(), sums.tolist(), strict=True)) == expected
    assert found.tolist() == sorted(expected)
    slots = hashed(found)
    assert [find(found, slots, key) for key in found] == list(range(len(found)))
    assert find(found, slots, 12_345) == (found.tolist().index(12_345) if 12_345 in expected else -1)


def test_grams_of_very_many_kinds_of_events_are_shorter_and_still_told_apart():
    rows = [[3, 4, 5, 6, 7, 9], [1003, 4, 5, 6, 7, 10]]
    for kinds, length, expected in ((1_200, 6, [9, 10]), (1_500, 5, [9, 9])):  # of more, the first event is forgotten
        ngrams = count_ngrams(sequences_of(rows), ones(rows), kinds)
        assert len(ngrams.grams) == length
        assert (ngrams.grams[-1] >= 0).all()
        assert [ngrams.chances(np.array(row[:5])).argmax() for row in rows] == expected


@given(lists)
def test_distinct_sequences_and_their_places(rows):
    sequences = sequences_of(rows)
    found, place = sequences.distinct()
    first = list(dict.fromkeys(map(tuple, rows)))
    assert [tuple(found.events[a:b].tolist()) for a, b in pairwise(found.starts)] == first
    assert [first[i] for i in place] == list(map(tuple, rows))


def test_usual_counts_leave_out_the_outer_twentieth():
    rows = [[0]] * 96 + [[0, 0, 0]] * 2 + [[0, 1]] * 2
    usual = usual_counts(sequences_of(rows), ones(rows), N_TOKENS)
    assert usual[:2].tolist() == [[1, 1], [0, 0]]
    assert usual_counts(sequences_of([[0, 0], [0], [1]]), np.array([45, 50, 5]), N_TOKENS)[0].tolist() == [0, 2]


# ---------------------------------------------------------------------------------------------------------- views
def paced(rows, gaps):
    sequences = sequences_of(rows)
    return Sequences(sequences.events, sequences.starts, np.array([gap for row in gaps for gap in row]))


def test_a_time_between_events_is_judged_by_the_kind_of_event():
    """After a second comes 1, after an hour comes 2: a 1 after an hour is odd, though an hour is not."""
    rng = np.random.default_rng(0)
    gaps = np.exp(rng.normal(0, 0.1, (60, 3))) * [np.nan, 1.0, 3600.0]
    reference = paced([[0, 1, 2]] * 60, gaps)
    view = GapView(_fit_times(reference, N_TOKENS)).for_others()
    judged = paced([[0, 1, 2], [0, 1, 2]], [[np.nan, 1.0, 3600.0], [np.nan, 3600.0, 3600.0]])
    usual, odd = view.vectors(judged)[:, 0]
    assert odd > 3 * usual
    assert view.nats(judged).argmax() == 4
    usual = [view.usual(judged, event)[0] for event in (1, 2)]
    assert usual == [pytest.approx(1, rel=0.1), pytest.approx(3600, rel=0.1)]


def test_a_time_is_left_out_of_what_is_usual_only_where_it_was_counted():
    sequences = paced([[0, 1]] * 5, [[np.nan, 1.0]] * 4 + [[np.nan, 100.0]])
    own = GapView(_fit_times(sequences, N_TOKENS))
    records = Batch(sequences.events[:, None], np.log1p(1000 * sequences.gaps)[:, None])
    counted = [view.times.usual(view.times.profiles[0], records)[0][0][9, 0] for view in (own, own.for_others())]
    assert counted == [4, 5]


def test_the_order_view_is_the_largest_surprise_after_one_event_and_the_mean_after_all():
    rows = [[0, 1, 2], [0, 1, 2, 1, 2], [2, 0], [0, 1, 2]]
    reference, judged = sequences_of(rows), sequences_of([[2, 2, 1], [0, 1, 2]])
    ngrams = count_ngrams(reference, ones(rows), N_TOKENS)

    def fitted(*, is_own):
        no_network = fit_ppmi_svd(count_neighbours(reference, ones(rows), N_TOKENS), 2, 0)
        return OrderView.fit(SequenceBasis(reference, None, no_network, ngrams, is_own))[0]

    view = fitted(is_own=False)

    def by_hand(sequences, own):
        surprises, starts = ngrams.surprises(sequences, own)
        parts = [surprises[:, a:b] for a, b in pairwise(starts)]
        return np.array([[part[1].max() ** (1 / 3) * part[-1].mean() ** (2 / 3)] for part in parts])

    assert view.vectors(judged) == pytest.approx(by_hand(judged, 0.0), rel=1e-5)
    alone = fitted(is_own=True).vectors(reference)
    assert alone == pytest.approx(by_hand(reference, 1.0), rel=1e-5)
    assert (alone[2] > view.vectors(reference)[2]).all()  # the only one of its kind does not speak for itself


class Prophet:
    """Expects the first event after anything, and nothing else."""

    def surprise(self, batch):
        starts = batch.starts + np.arange(len(batch.starts))
        nats = np.full(starts[-1], 1.0)
        nats[np.arange(len(batch.events)) + batch.of_event] = np.where(batch.events == FIRST_VALUE, 0.5, 8.0)
        return nats, starts

    def chances(self, before):
        return np.tile(np.eye(FIRST_VALUE + 4)[FIRST_VALUE], (len(before), 1))


def test_the_surprise_of_a_network_takes_the_place_of_the_n_grams():
    tokens = category_tokens("what", count_values(pl.Series(["a", "b"])), 1)
    a, b = FIRST_VALUE, FIRST_VALUE + 1
    sequences = sequences_of([[a, a], [a, b, a]])
    view = OrderView(count_ngrams(sequences, np.ones(2), len(tokens.labels)), is_own=False, network=Prophet())
    expected = [1 ** (1 / 3) * (2 / 3) ** (2 / 3), 8 ** (1 / 3) * (10 / 4) ** (2 / 3)]
    assert view.vectors(sequences)[:, 0] == pytest.approx(expected)
    cases = SequenceCases(sequences, [["a", "a"], ["a", "b", "a"]], tokens, None)
    [_, [part]] = view.parts(cases, np.array([1.0, 2.0]), None)
    assert (part.column_name, part.value, part.contribution) == ("place 2", "b", 2.0)
    assert part.reason.sentence(view.words) == "what=b at place 2 of 3 is unusual after a; expected: a"


def test_what_was_expected_is_counted_after_the_events_that_the_reason_names():
    """After q, a comes c, but after a comes b nine times in ten; q itself never comes after a."""
    tokens = category_tokens("what", count_values(pl.Series(list("abcpq"))), 1)
    code = {name: tokens.labels.index(name) for name in "abcpq"}
    rows = [[code[name] for name in row] for row in ["pab"] * 90 + ["qac"] * 10]
    view = OrderView(count_ngrams(sequences_of(rows), ones(rows), len(tokens.labels)), is_own=False)
    cases = SequenceCases(sequences_of([[code[name] for name in "qaq"]]), [list("qaq")], tokens, None)
    [[part]] = view.parts(cases, np.ones(1), None)
    assert part.reason.sentence(view.words) == "what=q at place 3 of 3 is unusual after a; expected: b, c"


def test_all_kinds_of_events_count_alike_in_the_sum():
    """Frequent events have short embeddings; what they are called, and how often they occur, must not matter."""
    rows = [[4, 3, 3, 3, 5]] * 50 + [[4, 6, 5]] * 5
    sequences, tokens = sequences_of(rows), category_tokens("what", count_values(pl.Series(list("abcd"))), 1)
    size = len(tokens.labels)
    embeddings = fit_ppmi_svd(count_neighbours(sequences, ones(rows), size), 4, 0)
    assert np.ptp(np.linalg.norm(embeddings.vectors[3:], axis=1)) > 0.1
    [view] = SequenceView.fit(SequenceBasis(sequences, tokens, embeddings, None, is_own=False))
    lengths = np.linalg.norm(view.vectors_of, axis=1)
    assert lengths[[*range(3, size), Special.UNSEEN]] == pytest.approx(1)
    assert view.vectors(sequences_of([[3, 3, 3]]))[0] == pytest.approx(np.log(4) * view.vectors_of[3])


def test_an_order_that_only_five_events_back_tells_is_more_surprising():
    """What comes after five equal events depends on the one before them; one event back, both ends are as usual."""
    rows = [[0, 2, 2, 2, 2, 0], [1, 2, 2, 2, 2, 1]] * 100
    ngrams = count_ngrams(sequences_of(rows), ones(rows), N_TOKENS)
    no_network = fit_ppmi_svd(count_neighbours(sequences_of(rows), ones(rows), N_TOKENS), 2, 0)
    [view] = OrderView.fit(SequenceBasis(sequences_of(rows), None, no_network, ngrams, False))
    judged = sequences_of([rows[0], [0, 2, 2, 2, 2, 1]])
    nats, starts = view.surprises(judged)
    near, far = nats[1, starts[1] - 2], nats[1, starts[2] - 2]
    assert near == pytest.approx(far)
    usual, odd = view.vectors(judged)[:, 0]
    assert odd > 2 * usual
    assert nats[-1].argmax() == starts[2] - 2


@pytest.mark.parametrize("is_own", [False, True])
def test_a_step_is_as_surprising_as_counting_says_and_does_not_speak_for_itself(is_own):
    rows = [[0, 1, 2]] * 5 + [[0, 2]]
    padded = [[START] * 2 + row + [END] for row in rows]
    steps = np.array([row[i : i - 3 : -1] if i > 2 else row[i::-1] for row in padded for i in range(2, len(row))])
    ngrams = count_steps(steps, N_TOKENS)
    records = Batch(np.zeros((1, 1), np.int32), np.empty((1, 0)), steps=np.array([[2, 0, START]]))
    [[surprise]] = StepView(ngrams, is_own, 0).vectors(records)
    assert np.exp(-surprise) == pytest.approx(naive_chance(rows, [0], 2, float(is_own), longest=3))


def test_new_kinds_are_counted_once_each_and_go_with_their_sequence():
    tokens = category_tokens("what", count_values(pl.Series(["a", "b"])), 1)
    lists = [["a", "x", "x", "y"], ["a", "b"], ["a", "x", "x", "x"], ["a", "x", "x", "y"], [None, "z"]]
    encoded = encode_sequences(pl.Series(lists), pl.Series([[None] * len(each) for each in lists]), tokens)
    assert encoded.new_kinds.tolist() == [2, 0, 1, 2, 1]
    assert encoded[np.array([2, 1])].new_kinds.tolist() == [1, 0]
    found, place = encoded.distinct()  # the first and the third differ in their kinds alone
    assert place.tolist() == [0, 1, 2, 0, 3]
    assert found.new_kinds.tolist() == [2, 0, 1, 1]
    assert UnseenView().vectors(encoded).tolist() == [[2], [0], [1], [2], [1]]
    known = encode_sequences(pl.Series([["a"], ["b"]]), pl.Series([[None], [None]]), tokens)
    assert known.new_kinds.tolist() == [0, 0]


def test_messages_that_differ_in_a_number_are_one_new_kind():
    known = pl.Series([f"opened door {n}" for n in range(50)] + ["closed"] * 50)
    tokens = event_tokens("what", known, Config().tokens, is_text=True)
    lists = [["opened door 7", "lost key 1", "lost key 2", "fire"]]
    assert encode_sequences(pl.Series(lists), pl.Series([[None] * 4]), tokens).new_kinds.tolist() == [2]


# -------------------------------------------------------------------------------------------------------- reading
LOG = """
CREATE TABLE log AS SELECT * FROM (VALUES
    ('b', 2, 'y'), ('a', 1, 'x'), ('b', 1, 'x'), (NULL, 1, 'lost'), ('a', NULL, 'last'), ('a', 2, 'q'), ('a', 2, 'p'),
    ('b', 3, NULL)) t(case_id, n, what)"""
CASES = {"a": ["x", "p", "q", "last"], "b": ["x", "y", None]}


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("rows", ["log", "(FROM log ORDER BY what DESC)"])
def test_events_are_read_in_order_whole_and_once(database, size, rows):
    with Table(str(database(LOG)), f"FROM {rows}") as table:
        roles = sequence_roles(table, "case_id", ["n"], ["what"])
        frame = pl.concat(list(read_sequences(table, roles, None, size)))
    assert dict(zip(frame["case_id"], frame[EVENTS].to_list(), strict=True)) == CASES


def test_a_sequence_is_read_as_a_whole_when_one_of_its_events_meets_the_condition(database):
    with Table(str(database(LOG))) as table:
        roles = sequence_roles(table, "case_id", ["n"], ["what"])
        found = {
            where: dict(pl.concat(list(read_sequences(table, roles, where, 10))).select("case_id", EVENTS).iter_rows())
            for where in ("what = 'q'", "n = 3", "n = 1")
        }
    assert list(found.values()) == [{"a": CASES["a"]}, {"b": CASES["b"]}, CASES]


def test_a_sample_is_of_whole_sequences_and_bounded_by_their_events(database, monkeypatch):
    path = database(
        "CREATE TABLE log AS SELECT i // 10 AS case_id, i AS n, 'e' || i % 3 AS what FROM range(20_000) r(i)"
    )
    with Table(str(path)) as table:
        roles = sequence_roles(table, "case_id", ["n"], ["what"])
        assert sampled(table, roles, "n >= 0", 2_000, 0) == "n >= 0"
        some = sampled(table, roles, "n < 10_000 OR n > 9_999", 500, 0)
        lengths = pl.concat(list(read_sequences(table, roles, some, 5_000)))[EVENTS].list.len()
        assert 400 < len(lengths) < 600
        assert lengths.unique().to_list() == [10]
        monkeypatch.setattr(reading, "MOST_EVENTS", 2_000)
        few = sampled(table, roles, None, 2_000, 0)
        assert 120 < table.count_distinct([table.column("case_id")], few) < 280


def test_an_event_may_be_several_columns(database):
    with Table(str(database(LOG))) as table:
        roles = sequence_roles(table, "case_id", ["n"], ["what", "n"])
        frame = pl.concat(list(read_sequences(table, roles, "case_id = 'b'", 10)))
    assert frame[EVENTS].to_list() == [["1 | x", "2 | y", "3 | (missing)"]]


CLICKS = """
CREATE TABLE clicks AS SELECT who, TIMESTAMP '2026-03-29 01:00:00' + to_seconds(s) AS at, what FROM (VALUES
    ('ann', 0, 'a'), ('ann', 60, 'b'), ('ann', 500, 'c'), ('ann', 520, 'd'), ('bob', 10, 'a'), ('bob', 11, 'b'))
    t(who, s, what)"""


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"session_gap": "2m"}, [["a", "b"], ["c", "d"], ["a", "b"]]),
        ({"session_gap": "1m"}, [["a", "b"], ["c", "d"], ["a", "b"]]),  # a pause of just so much goes on
        ({"session_gap": "10m"}, [["a", "b", "c", "d"], ["a", "b"]]),
        ({"session_gap": "1.5s"}, [["a"], ["b"], ["c"], ["d"], ["a", "b"]]),
        ({"window": "1m"}, [["a"], ["b"], ["c", "d"], ["a", "b"]]),
        ({"length": 3}, [["a", "b", "c"], ["d"], ["a", "b"]]),
        ({"length": 3, "step": 1}, [["a", "b", "c"], ["b", "c", "d"], ["a", "b"]]),
        ({"length": 2, "step": 2}, [["a", "b"], ["c", "d"], ["a", "b"]]),
    ],
)
def test_sequences_are_cut_by_gap_window_or_number(database, how, expected):
    with Table(str(database(CLICKS))) as table:
        key = form_sequences(table, ["who"], "at", ["what"], **how)
        roles = sequence_roles(table, key, ["at"], ["what"])
        frame = pl.concat(list(read_sequences(table, roles, None, 4))).sort(key)
    assert frame[EVENTS].to_list() == expected


@pytest.mark.parametrize("text", ["", "5", "m", "0s", "-3m", "5 years"])
def test_a_length_of_time_that_cannot_be_read(database, text):
    with Table(str(database(CLICKS))) as table, pytest.raises(ConfigError, match=r"window = .* is not a duration"):
        form_sequences(table, ["who"], "at", ["what"], window=text)


def test_missing_and_unseen_events_are_told_apart():
    tokens = category_tokens("what", count_values(pl.Series(["a", "b", "a"])), 1)
    encoded = encode_sequences(pl.Series([["a", None], ["z", "b"]]), pl.Series([[None, 1.0], [None, 2.0]]), tokens)
    assert encoded.events.tolist() == [FIRST_VALUE, Special.MISSING, Special.UNSEEN, FIRST_VALUE + 1]


# -------------------------------------------------------------------------------------------------- planted cases
SETTINGS = {"sequence": {"key": "case_id", "order": ["n"], "event": ["what"]}}
ODD = {
    "swapped": (["open", "check", "write", "read", "close"], "order"),
    "missing": (["open", "check", "read"], "order"),
    "repeated": (["open", "check", *["read"] * 30, "write", "close"], "sequence"),
    "unseen": (["open", "check", "read", "format", "write", "close"], "sequence"),
}


def make_log(n=400, odd=ODD):
    """Open, check, read once to four times, write, close."""
    rng = np.random.default_rng(5)
    usual = [["open", "check", *["read"] * int(rng.integers(1, 5)), "write", "close"] for _ in range(n)]
    cases = {f"u{i}": events for i, events in enumerate(usual)} | {name: events for name, (events, _) in odd.items()}
    rows = [(case, place, event) for case, events in cases.items() for place, event in enumerate(events)]
    return pl.DataFrame(rows, schema=["case_id", "n", "what"], orient="row").sample(fraction=1, shuffle=True, seed=1)


@pytest.fixture(scope="module", params=[False, True], ids=["mixed", "clean"])
def model(request):
    return fit_model(make_log(odd={}), config=Config(**SETTINGS, reference={"clean": request.param}))


def test_planted_sequences_are_the_most_abnormal(model):
    scores = score_table(model, make_log())
    assert set(scores.frame["case_id"][: len(ODD)]) == set(ODD)
    assert scores.frame.height == 400 + len(ODD)


def test_planted_sequences_get_their_reason(model):
    flags = score_table(model, make_log()).flags.frame
    reasons = dict(zip(flags["case_id"], flags["reason"], strict=True))
    assert "what=write at place 3 of 5 is unusual after check; expected: read" in reasons["swapped"]
    assert reasons["missing"].startswith(("what=write is missing (19 in 20 have it once)", "what=close is missing"))
    assert reasons["repeated"] == "what=read occurs 30 times (19 in 20 have it 1 to 4 times)"
    assert "what=format at place 4" in reasons["unseen"]
    assert "was never seen in the reference" in reasons["unseen"]


def commands(seed, n, new=0):
    """Twenty of a user's commands, of which one in three sequences has one that was never seen before."""
    rng = np.random.default_rng(seed)
    lists = [[f"c{rng.integers(40)}" for _ in range(20)] for _ in range(n)]
    for i in range(0, n, 3):
        lists[i][int(rng.integers(20))] = f"once {seed} {i}"
    for k in range(new):
        lists[0][k] = f"theirs {k}"
    rows = [(f"{seed}-{i}", place, what) for i, each in enumerate(lists) for place, what in enumerate(each)]
    return pl.DataFrame(rows, schema=["case_id", "n", "what"], orient="row")


def test_many_new_kinds_are_more_than_the_usual_one():
    model = fit_model(commands(0, 100), config=Config(**SETTINGS, reference={"clean": True}))
    [novelty] = [view for view in model.views if view.view.name == "novelty"]
    assert novelty.mean == pytest.approx(1 / 3, abs=0.02)
    scored = score_table(model, commands(1, 60, new=5))
    assert scored.frame["case_id"][0] == "1-0"
    share = scored.flags.contributions.filter(rank=1, view="novelty")
    assert share["value"].to_list() in (["5"], ["6"])
    expected = np.log1p(float(share["value"][0]) / (novelty.mean + 0.25))
    assert share["contribution"].to_list() == pytest.approx([expected])


def test_the_reason_names_as_many_events_before_as_are_needed():
    """After door, stairs comes room if the lift was used before, and cellar if not; every case has four such ways."""
    ways = ["lift", "door", "stairs", "room"], ["ramp", "door", "stairs", "cellar"]
    rows = [[*chain(*(ways[way] for way in four))] for four in np.random.default_rng(0).integers(2, size=(200, 4))]
    odd = [*ways[0], *ways[1], "lift", "door", "stairs", "cellar", "ramp", "door", "stairs", "room"]
    log = [(f"{i}", place, what) for i, row in enumerate([*rows, odd]) for place, what in enumerate(row)]
    frame = pl.DataFrame(log, schema=["case_id", "n", "what"], orient="row")
    model = fit_model(frame.filter(pl.col("case_id") != "200"), config=Config(**SETTINGS))
    flag = score_table(model, frame).flags.frame.row(0, named=True)
    assert flag["case_id"] == "200"
    assert flag["reason"] in (
        "what=cellar at place 12 of 16 is unusual after lift, door, stairs; expected: room",
        "what=room at place 16 of 16 is unusual after ramp, door, stairs; expected: cellar",
    )


def test_events_never_seen_are_counted_by_kind(model):
    """The commonest of them is named, with its own number, and the others are counted beside it."""
    events = ["open", "check", "shred", "read", *["wipe"] * 1200, "format", "close"]
    flags = score_table(model, make_log(odd={"attack": (events, "sequence")})).flags
    assert flags.frame["reason"][0] == (
        "what=wipe 1,200 times was never seen in the reference, and 2 other kinds (2 times)"
    )
    parts = flags.contributions.filter(rank=1, column_name="number of events never seen")
    assert parts["value"].to_list() == ["1202"]


def test_contributions_of_a_sequence_sum_to_its_raw_score(model):
    flags = score_table(model, make_log()).flags
    sums = flags.contributions.group_by("rank").agg(pl.col("contribution").sum()).sort("rank")["contribution"]
    assert sums.to_numpy() == pytest.approx(flags.frame["raw_score"].to_numpy())


def test_the_order_of_rows_changes_nothing(model):
    log = make_log()
    again = score_table(fit_model(make_log(odd={}).reverse(), config=model.config), log.reverse())
    assert again.frame.equals(score_table(model, log).frame)


def test_a_kept_model_scores_the_same(model, tmp_path):
    with Store(tmp_path / "s.duckdb") as store, store.transaction():
        save_model(model, store)
    assert score_table(load_model(tmp_path / "s.duckdb"), make_log()).frame.equals(score_table(model, make_log()).frame)


def test_a_scan_of_the_reference_itself_finds_what_is_planted(run, tmp_path):
    log = make_log()
    with opened("log.duckdb") as connection:
        connection.execute("CREATE TABLE log AS FROM log")
    outcome = run(
        "scan",
        "log.duckdb",
        "--sequence",
        "case_id",
        "--order",
        "n",
        "--event",
        "what",
        "--budget",
        4,
        "--format",
        "csv",
        "--scores-to",
        "scores.parquet",
    )
    assert outcome.code == 0, outcome.err
    assert {line.split(",")[0] for line in outcome.out.splitlines()[1:]} == set(ODD)
    assert pl.read_parquet("scores.parquet").height == log["case_id"].n_unique()


def test_tail_probabilities_are_honest_for_new_sequences(model):
    fresh = make_log(2000, odd={}).with_columns(pl.col("case_id") + "x")
    tails = score_table(model, fresh).frame["tail_probability"].to_numpy()
    assert (tails < 0.01).mean() < 0.03


# ------------------------------------------------------------------------------------------------------ bad input
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sequence", "case", "--order", "n", "--event", "what"], "no such column in log: case; did you mean"),
        (["--sequence", "case_id", "--event", "what"], "sequences need an order: use --order or --time"),
        (["--order", "n", "--event", "what"], "an event needs a sequence (key, session_gap, window"),
        (["--sequence", "case_id", "--order", "n"], "name the columns that hold the event"),
        (["--sequence", "one", "--order", "n", "--event", "what"], "has one sequence; normal behaviour"),
        (["--sequence", "case_id", "--order", "n", "--event", "nothing"], "every event of log is null"),
        (["--sequence", "case_id", "--order", "n", "--event", "what", "--fit-where", "n > 99"], "has no sequence"),
    ],
)
def test_sequences_that_cannot_be_judged(run, database, arguments, said):
    path = database(LOG.replace("SELECT *", "SELECT *, 1 AS one, NULL::VARCHAR AS nothing"))
    outcome = run("scan", path, *arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert len(outcome.err.strip().splitlines()[-1:]) == 1


def test_sequences_of_one_event_are_said_to_have_no_order():
    log = pl.DataFrame({"case_id": range(300), "n": [1] * 300, "what": ["a", "b", "c"] * 100})
    model = fit_model(log, config=Config(**SETTINGS))
    assert [note for note in model.summary.notes if "every sequence has one event" in note]
    assert score_table(model, log).frame.height == 300


def test_sequences_that_are_all_alike_are_flagged_with_a_reason(run, tmp_path):
    frame = pl.DataFrame(
        {"case": [c for c in range(30) for _ in range(3)], "at": [0, 1, 2] * 30, "did": ["a", "b", "c"] * 30}
    )
    frame.write_parquet(tmp_path / "alike.parquet")
    found = run(
        "scan", tmp_path / "alike.parquet", "--sequence", "case", "--order", "at", "--event", "did", "--format", "csv"
    )
    assert found.code == 0
    assert len(found.out.splitlines()) == 21  # the budget of 20, and the header


def test_a_column_that_is_missing_when_scoring(model):
    with pytest.raises(SourceError, match="no such column"):
        score_table(model, make_log().drop("what"))


def test_nothing_to_learn_from():
    with pytest.raises(DataError, match="has one sequence; normal behaviour"):
        fit_model(pl.DataFrame({"case_id": [1, 1], "n": [1, 2], "what": ["a", "b"]}), config=Config(**SETTINGS))


@pytest.mark.drill
def test_a_million_events_in_one_sequence_and_a_million_sequences_of_one_event(run, database):
    path = database(
        "CREATE TABLE log AS SELECT 0 AS case_id, i AS n, 'e' || (i % 7) AS what FROM range(1_000_000) r(i) "
        "UNION ALL SELECT i, 0, 'e' || (i % 7) FROM range(1, 1_000_001) r(i)"
    )
    outcome = run("scan", path, "--sequence", "case_id", "--order", "n", "--event", "what", "--format", "csv")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[1].startswith("0,")


def paced_log(wait=10.0):
    """Two hundred cases of three events a minute apart, more or less; one waits `wait` minutes before its last."""
    rng = np.random.default_rng(4)
    minutes = np.cumsum(rng.lognormal(0, 0.2, (200, 3)), axis=1) + 60 * np.arange(200)[:, None]
    minutes[77, 2] = minutes[77, 1] + wait
    at = np.datetime64("2026-03-01", "us") + (minutes.ravel() * 6e7).astype("timedelta64[us]")
    return pl.DataFrame({"case_id": np.repeat(np.arange(200), 3), "at": at, "what": ["open", "work", "close"] * 200})


@pytest.mark.parametrize(("wait", "word"), [(60.0, "late"), (0.001, "early")])
@pytest.mark.parametrize("hold_out", [False, True])
def test_a_time_between_events_that_is_unusual(run, tmp_path, wait, word, hold_out):
    paced_log(wait).write_parquet(tmp_path / "log.parquet")
    options = ["--sequence", "case_id", "--order", "at", "--event", "what", "--budget", "1", "--format", "csv"]
    if hold_out:
        options += ["--fit-where", "case_id <> 77", "--where", "case_id BETWEEN 50 AND 99"]
    outcome = run("scan", tmp_path / "log.parquet", *options)
    assert outcome.code == 0, outcome.err
    flag = outcome.out.splitlines()[1]
    assert flag.startswith("77,1,")
    assert f"what=close at place 3 comes unusually {word}, {wait * 60:.4g} s after work (" in flag


def test_times_between_events_are_judged_only_where_the_order_is_a_time():
    frame = paced_log().with_columns(n=pl.int_range(pl.len()))
    for order, names in (("at", ["sequence", "novelty", "order", "pace"]), ("n", ["sequence", "novelty", "order"])):
        model = fit_model(frame, config=Config(sequence={"key": "case_id", "order": [order], "event": ["what"]}))
        assert [v.view.name for v in model.views] == names


def test_contributions_with_times_sum_to_the_raw_score():
    settings = {"key": "case_id", "order": ["at"], "event": ["what"]}
    flags = score_table(fit_model(paced_log(), config=Config(sequence=settings)), paced_log()).flags
    sums = flags.contributions.group_by("rank").agg(pl.col("contribution").sum()).sort("rank")["contribution"]
    assert sums.to_numpy() == pytest.approx(flags.frame["raw_score"].to_numpy())


def test_a_sequence_that_began_before_the_condition_is_judged_as_a_whole():
    log = paced_log()
    settings = {
        "sequence": {"session_gap": "2m", "event": ["what"]},
        "roles": {"timestamp": ["at"], "entity": ["case_id"]},
    }
    model = fit_model(log, config=Config(**settings))
    first, *_, last = log.filter(case_id=50)["at"]
    assert (last - first).total_seconds() < 240
    whole, cut = (score_table(model, log, where=where).frame for where in (None, f"\"at\" = TIMESTAMP '{last}'"))
    [found] = cut.select("sequence", "raw_score").iter_rows()
    assert found[0].startswith(f"50 {first}")
    assert whole.filter(sequence=found[0])["raw_score"].to_list() == [found[1]]


def test_a_sequence_of_one_event_is_not_blamed_for_its_pace():
    log = pl.concat([paced_log(), paced_log().head(1).with_columns(case_id=pl.lit(777, pl.Int64), what=pl.lit("lost"))])
    settings = {"sequence": {"key": "case_id", "order": ["at"], "event": ["what"]}}
    flags = score_table(fit_model(log, config=Config(**settings)), log).flags.frame
    alone = flags.filter(case_id=777)
    assert alone.height == 1
    assert alone["view"][0] != "pace"


def test_flags_of_which_none_stands_out_are_said_to_be_usual(run, tmp_path):
    frame = pl.DataFrame({"case": [c for c in range(60) for _ in range(2)], "at": [0, 1] * 60, "did": ["a", "b"] * 60})
    frame.write_parquet(tmp_path / "alike.parquet")
    found = run("scan", tmp_path / "alike.parquet", "--sequence", "case", "--order", "at", "--event", "did")
    assert "no flag stands out" in found.err

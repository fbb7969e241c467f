import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import anomembed.explain
from anomembed.errors import DataError
from anomembed.explain import records
from anomembed.score.flags import FlagKeeper, FlagRule

TAILS = st.lists(
    st.sampled_from([1e-9, 0.0005, 0.001, 0.004, 0.01, 0.02, 0.05, 0.2, 0.5, 1.0]), min_size=1, max_size=40
)
RULES = st.sampled_from([FlagRule("alpha", 0.1), FlagRule("budget", 3), FlagRule("threshold", 0.01)])


def scored(tails):
    tails = np.array(tails, float)
    keys = np.random.default_rng(len(tails)).permutation(len(tails))
    return pl.DataFrame({"id": keys, "raw_score": -np.log(tails), "tail_probability": tails})


def decide(rule, frame, size=None):
    kept = None
    for part in frame.iter_slices(size or frame.height):
        kept = rule.keep(part if kept is None else pl.concat([kept, part]), ["id"])
    return rule.decide(kept, frame.height)


def by_definition(tails, alpha):
    """Return how many Benjamini and Hochberg reject: the largest k whose k-th smallest is at most alpha k / n."""
    ordered = sorted(tails)
    return max((k for k in range(1, len(tails) + 1) if ordered[k - 1] <= alpha * k / len(tails)), default=0)


@given(TAILS, st.sampled_from([0.01, 0.1, 0.3]))
def test_alpha_is_benjamini_hochberg(tails, alpha):
    assert decide(FlagRule("alpha", alpha), scored(tails)).height == by_definition(tails, alpha)


def test_alpha_compares_with_all_records_scored():
    frame = scored([0.001, 0.5])
    kept = FlagRule("alpha", 0.01).keep(frame, ["id"])
    assert FlagRule("alpha", 0.01).decide(kept, 10).height == 1
    assert FlagRule("alpha", 0.01).decide(kept, 11).height == 0


@given(TAILS, RULES, st.integers(1, 10))
def test_batches_do_not_change_the_flags(tails, rule, size):
    assert decide(rule, scored(tails), size).equals(decide(rule, scored(tails)))


@st.composite
def watched(draw):
    """Batches of scored records, the keeper that each of them passes by, and an order to add the keepers in."""
    frame = scored(draw(TAILS)).with_columns(view=pl.lit("record"), score=pl.col("raw_score"))
    edges = sorted(draw(st.lists(st.integers(0, frame.height), max_size=6)))
    batches = [frame[begin:end] for begin, end in zip([0, *edges], [*edges, frame.height], strict=True)]
    of_batch = draw(st.lists(st.integers(0, 3), min_size=len(batches), max_size=len(batches)))
    return batches, of_batch, draw(st.permutations(range(4)))


@given(watched(), RULES, st.booleans())
def test_keepers_of_parts_decide_as_one_keeper_of_all(parts, rule, to_the_left):
    batches, of_batch, order = parts
    one, keepers = FlagKeeper(rule, ["id"]), [FlagKeeper(rule, ["id"]) for _ in range(4)]
    list(one.watch(batches))
    for batch, keeper in zip(batches, of_batch, strict=True):
        list(keepers[keeper].watch([batch]))
    first, second, third, fourth = (keepers[index] for index in order)
    both = first + second + third + fourth if to_the_left else first + (second + (third + fourth))
    assert both.flagged().equals(one.flagged())
    assert both.n_scored == one.n_scored == sum(batch.height for batch in batches)


def test_adding_keepers_changes_neither():
    rule, frame = FlagRule("budget", 2), scored([0.1, 0.2, 0.3]).with_columns(view=pl.lit("record"))
    first, second = FlagKeeper(rule, ["id"]), FlagKeeper(rule, ["id"])
    list(first.watch([frame[:1]]))
    list(second.watch([frame[1:]]))
    before = first.flagged(), second.flagged()
    assert (first + second).flagged().equals(frame[:2])
    assert first.flagged().equals(before[0])
    assert second.flagged().equals(before[1])
    assert (first.n_scored, second.n_scored) == (1, 2)


def test_keepers_of_other_rules_or_keys_do_not_add():
    keeper = FlagKeeper(FlagRule("budget", 2), ["id"])
    for other in (FlagKeeper(FlagRule("budget", 3), ["id"]), FlagKeeper(FlagRule("budget", 2), ["key"])):
        with pytest.raises(ValueError, match="same rule and key"):
            keeper + other


def test_keepers_without_batches_add_to_one_without():
    keeper = FlagKeeper(FlagRule("budget", 2), ["id"])
    with pytest.raises(DataError, match="no records to score"):
        (keeper + keeper).flagged()


def test_a_budget_takes_the_most_abnormal_and_breaks_ties_by_key():
    frame = pl.DataFrame({"id": [5, 4, 3, 2], "raw_score": [1.0, 9, 1, 1], "tail_probability": [0.5, 0.1, 0.5, 0.5]})
    assert decide(FlagRule("budget", 3), frame)["id"].to_list() == [4, 2, 3]
    assert decide(FlagRule("budget", 9), frame)["id"].to_list() == [4, 2, 3, 5]


def test_a_threshold_includes_its_value():
    assert decide(FlagRule("threshold", 0.01), scored([0.02, 0.01, 0.001]))["tail_probability"].to_list() == [
        0.001,
        0.01,
    ]


@pytest.mark.parametrize("rule", [FlagRule("alpha", 0.1), FlagRule("threshold", 0.001)])
def test_nothing_abnormal_nothing_flagged(rule):
    assert decide(rule, scored([0.5, 0.9])).height == 0


def test_caution_where_the_rule_can_never_flag():
    def caution(name, value, can_extrapolate=False):
        return FlagRule(name, value).caution(1000, 99, can_extrapolate=can_extrapolate)

    assert "alpha 0.05 is unlikely to flag anything" in caution("alpha", 0.05)
    assert "below 0.01" in caution("threshold", 0.001)
    assert caution("threshold", 0.01) is caution("budget", 5) is caution("alpha", 0.05, can_extrapolate=True) is None
    assert FlagRule("alpha", 0.05).caution(5, 99, can_extrapolate=False) is None
    assert caution("threshold", 2e-3, can_extrapolate=True) is None
    assert "it takes about 10,000 to verify" in caution("threshold", 1e-4, can_extrapolate=True)


def test_caution_where_even_a_record_of_which_nothing_was_ever_seen_passes():
    rule = FlagRule("threshold", 1e-4)
    said = rule.caution(1000, 9999, can_extrapolate=True, lowest=3e-4)
    assert said.startswith("threshold 0.0001 may flag nothing")
    assert "has a tail probability of 3.0e-04" in said
    assert rule.caution(1000, 9999, can_extrapolate=True, lowest=1e-4) is None
    assert FlagRule("budget", 5).caution(1000, 9999, can_extrapolate=True, lowest=1.0) is None


def test_of_very_many_flags_the_most_abnormal_are_explained(run, tmp_path, monkeypatch):
    monkeypatch.setattr(anomembed.explain, "MOST_EXPLAINED", 180)
    monkeypatch.setattr(records, "EXPLAINED_AT_ONCE", 50)
    n = 200
    frame = pl.DataFrame({"id": range(n), "a": [f"a{i % 7}" for i in range(n)], "b": [f"b{i % 5}" for i in range(n)]})
    frame.write_parquet(tmp_path / "many.parquet")
    assert run("scan", tmp_path / "many.parquet", "--budget", n, "--scores-to", tmp_path / "s.parquet").code == 0
    scores = pl.read_parquet(tmp_path / "s.parquet")
    assert scores["flagged"].all()
    assert scores["reason"].str.starts_with(f"one of {n:,} flags").sum() == 20
    assert scores["raw_score"][-20:].max() <= scores["raw_score"][:-20].min()

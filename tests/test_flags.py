import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomembed import scoring
from anomembed.score.flags import FlagRule

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

    assert "alpha 0.05 can hardly flag anything" in caution("alpha", 0.05)
    assert "below 0.01" in caution("threshold", 0.001)
    assert caution("threshold", 0.01) is caution("budget", 5) is caution("alpha", 0.05, can_extrapolate=True) is None
    assert FlagRule("alpha", 0.05).caution(5, 99, can_extrapolate=False) is None
    assert caution("threshold", 2e-3, can_extrapolate=True) is None
    assert "about 10,000 would show it" in caution("threshold", 1e-4, can_extrapolate=True)


def test_of_very_many_flags_the_most_abnormal_are_explained(run, tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "MOST_EXPLAINED", 180)
    monkeypatch.setattr(scoring, "EXPLAINED_AT_ONCE", 50)
    n = 200
    frame = pl.DataFrame({"id": range(n), "a": [f"a{i % 7}" for i in range(n)], "b": [f"b{i % 5}" for i in range(n)]})
    frame.write_parquet(tmp_path / "many.parquet")
    assert run("scan", tmp_path / "many.parquet", "--budget", n, "--scores-to", tmp_path / "s.parquet").code == 0
    scores = pl.read_parquet(tmp_path / "s.parquet")
    assert scores["flagged"].all()
    assert scores["reason"].str.starts_with(f"one of {n:,} flags").sum() == 20
    assert scores["raw_score"][-20:].max() <= scores["raw_score"][:-20].min()

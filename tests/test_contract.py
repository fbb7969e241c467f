"""What every view and every fitted model keeps to, whatever the mode."""

from collections import defaultdict

import numpy as np
import polars as pl
import pytest
from close import assert_close
from modes import MODES, batch_of, fitted, mode, model_of, scores_of

from anomembed import load_model, score_table
from anomembed.write.models import save_model
from anomembed.write.store import Store

# How the raw score of a view becomes a part of a record's, and what it is multiplied by: mixed reference, clean one.
COUNTING = {
    "record": ("relative 1", "relative 1"),
    "rarity": ("relative 1", None),  # in a clean reference rarities do not add up
    "share": (None, "relative 1"),
    "novelty": ("evidence 0.5", "evidence 0.5"),
    "joint": ("relative 1", "relative 1"),
    "message": ("relative 1", None),  # a clean reference judges the rarity of every value
    "number": ("relative 1", "relative 1"),
    "sign": ("evidence 2", "evidence 2"),
    "pair": ("steep 0.75", "excess 0.5"),
    "dependency": ("evidence 2", "evidence 2"),
    "extreme": ("evidence 1", "evidence 1"),
    "characters": ("evidence 1", "evidence 1"),
    "confusable": ("evidence 1", "evidence 1"),
    "dormancy": ("evidence 1", "evidence 1"),
    "vector": ("relative 1", "relative 1"),
    "match": ("relative 3", "relative 3"),
    "link": ("surprise 0.5", "surprise 0.5"),
    "entity": ("evidence 1", "evidence 1"),
    "habit": ("excess 0.25", "excess 0.25"),
    "order": ("excess 0.25", "excess 0.25"),
    "pace": ("excess 0.25", "excess 0.25"),
    "rhythm": ("evidence 1", "evidence 1"),
    "duplicate": ("evidence 2", "evidence 2"),
    "travel": ("evidence 1", "evidence 1"),
    "stuck": ("evidence 1", "evidence 1"),
    "heaping": ("evidence 1", None),  # what somebody does in a clean reference is normal
    "rate": ("evidence 2", None),  # the same
    "burst": ("evidence 1", "evidence 1"),
    "sequence": ("known 0.5", "known 0.5"),
    "novelty of events": ("count 1", "count 1"),
    "order of events": ("relative 1.5", "relative 1.5"),
    "pace of events": ("excess 0.25", "excess 0.25"),
}
SUMMED = {
    "rarity",
    "pair",
    "dependency",
    "agreement",
    "extreme",
    "characters",
    "confusable",
    "dormancy",
    "sign",
    "match",
    "link",
    "entity",
    "habit",
    "order",
    "pace",
    "rhythm",
    "travel",
    "stuck",
    "duplicate",
    "heaping",
    "rate",
    "burst",
    "novelty",
    "novelty of events",
    "order of events",
    "pace of events",
}
EXCESS_FROM, TWICE_FROM = 4.0, 7.0  # nats
USUAL_COUNT = 0.25


def views_of(model):
    """Views of a model by name; those that have the name of another are told apart."""
    also = {"order": "order of events", "pace": "pace of events", "novelty": "novelty of events"}
    names = [also.get(v.view.name, v.view.name) if model.is_sequential else v.view.name for v in model.views]
    is_share = [name == "rarity" and not v.view.is_summed for name, v in zip(names, model.views, strict=True)]
    return [("share" if s else name, v) for s, name, v in zip(is_share, names, model.views, strict=True)]


@pytest.mark.parametrize("clean", [False, True], ids=["mixed", "clean"])
def test_each_view_has_its_rule_and_weight(clean):
    found = defaultdict(set)
    names = "mixed entity calls trips invoices deposits tills graph vectors text sequences"
    for name in names.split():
        views = views_of(fitted(name, clean=clean))
        whole = [judged.weight for _, judged in views if judged.view.is_whole]
        assert sum(whole) == pytest.approx(min(len(whole), 2))  # however many look at the record as a whole
        for view, judged in views:
            weight = judged.weight * max(len(whole) / 2, 1) if judged.view.is_whole else judged.weight
            found[view].add(f"{judged.rule} {weight:g}")
    expected = {view: {both[clean]} for view, both in COUNTING.items() if both[clean]}
    assert dict(found) == expected


@pytest.mark.parametrize("name", MODES)
def test_what_is_abnormality_already_is_summed_and_the_rest_has_a_detector(name):
    for view, judged in views_of(model_of(name)):
        kind = type(judged.detector).__name__
        wanted = model_of(name).config.detector.name.replace("auto", "Nearest")
        assert kind == ("Total" if view in SUMMED else wanted), view


@pytest.mark.parametrize("name", MODES)
def test_what_a_view_adds_follows_its_rule(name):
    """Relative to the mean, as -log tail probability, or as what of it, or of the raw score, is beyond four nats."""
    batch = batch_of(name)[1]
    for view, judged in views_of(model_of(name)):
        raw = judged.raw(batch)
        nats, relative = judged.calibration.minus_log_tail(raw), (raw - judged.lowest) / judged.mean
        expected = {
            "relative": np.log(relative.clip(0) + 0.01),
            "known": np.log(relative.clip(0) + 1),
            "count": np.log1p(raw.clip(0) / (judged.mean + USUAL_COUNT)),
            "surprise": nats,
            "excess": (nats - EXCESS_FROM).clip(0),
            "steep": (nats - EXCESS_FROM).clip(0) + (nats - TWICE_FROM).clip(0),
            "evidence": (raw - EXCESS_FROM).clip(0),
        }[judged.rule]
        assert_close(judged.term(raw), judged.weight * expected, about=view)


@pytest.mark.parametrize("clean", [False, True], ids=["mixed", "clean"])
def test_rarity_is_surprise_and_all_values_weigh_alike_only_in_a_clean_reference(clean):
    model = fitted("mixed", clean=clean)
    views = dict(views_of(model))
    surprise = model.vocabulary.surprise()
    assert np.array_equal(views["share" if clean else "rarity"].view.rarity, surprise) is clean
    weights = np.ones(len(surprise), np.float32) if clean else surprise
    assert np.array_equal(views["record"].view.pooling.weights, weights)


@pytest.mark.parametrize("name", MODES)
def test_vectors_depend_on_neither_the_batch_nor_the_order_of_its_records(name):
    batch = batch_of(name)[1]
    order = np.random.default_rng(0).permutation(len(batch))
    for view, judged in views_of(model_of(name)):
        together = judged.view.vectors(batch)
        assert together.dtype == np.float32
        assert np.isfinite(together).all(), view
        parts = [judged.view.vectors(batch[at : at + 37]) for at in range(0, len(batch), 37)]
        assert np.concatenate(parts).tobytes() == together.tobytes(), view
        single = [judged.view.vectors(batch[int(at) : int(at) + 1]) for at in order[:50]]
        assert np.concatenate(single).tobytes() == together[order[:50]].tobytes(), view
        parts = [judged.raw(batch[at : at + 37]) for at in range(0, 111, 37)]
        assert_close(np.concatenate(parts), judged.raw(batch)[:111], rel=1e-5, least=1e-6, about=view)


@pytest.mark.parametrize("name", MODES)
def test_the_order_of_rows_changes_no_score(name):
    shuffled = mode(name).judged.sample(fraction=1, shuffle=True, seed=1)
    assert score_table(model_of(name), shuffled).frame.equals(scores_of(name).frame)


@pytest.mark.parametrize("name", MODES)
def test_terms_sum_to_the_raw_score_and_contributions_to_that_of_a_flag(name):
    model, (keys, batch) = model_of(name), batch_of(name)
    total = dict(zip(keys, np.sum([judged.term(judged.raw(batch)) for judged in model.views], axis=0), strict=True))
    scores = scores_of(name)
    assert_close([total[key] for key in scores.frame[:, 0]], scores.frame["raw_score"], rel=1e-9)
    sums = scores.flags.contributions.group_by("rank").agg(pl.col("contribution").sum()).sort("rank")
    assert sums["contribution"].to_list() == pytest.approx(scores.flags.frame["raw_score"].to_list())


@pytest.mark.parametrize("name", MODES)
def test_a_model_from_the_store_is_the_one_that_was_kept(name, tmp_path):
    with Store(tmp_path / "s.duckdb") as store, store.transaction():
        save_model(model_of(name), store)
    kept = load_model(tmp_path / "s.duckdb")
    batch = batch_of(name)[1]
    for was, now in zip(model_of(name).views, kept.views, strict=True):
        assert (now.rule, now.weight, now.view.name) == (was.rule, was.weight, was.view.name)
        assert now.view.vectors(batch).tobytes() == was.view.vectors(batch).tobytes()
    before, after = scores_of(name), score_table(kept, mode(name).judged)
    assert after.frame.equals(before.frame)
    assert after.flags.contributions.equals(before.flags.contributions)

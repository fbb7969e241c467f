"""End to end, a mode at a time: the flags of a small table, and the view that alone sees what was planted.

`golden/modes.json` has key, view, tail probability and reason of each flag. To renew it, run the test with
ANOMEMBED_RENEW=1 and -n 0, and read the difference: every changed line is a change that users see.
"""

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from modes import MODES, batch_of, mode, model_of, scores_of

from anomembed.views import shared
from anomembed.views.agreement import AgreementView
from anomembed.views.entity import EntityView
from anomembed.views.facts import WORDS
from anomembed.views.habit import HabitView
from anomembed.views.rarity import RarityView
from anomembed.workers import compiled

GOLDEN = Path(__file__).parent / "golden" / "modes.json"
SHOWN = 8
PLANTED = [
    ("camps", -1, "record"),
    ("text", -1, "message"),
    ("mixed", -1, "number"),
    ("mixed", -2, "pair"),
    ("mixed", -3, "novelty"),
    ("vectors", -1, "vector"),
    ("vectors", -2, "match"),
    ("entity", -1, "entity"),
    ("entity", -2, "habit"),
    ("entity", -3, "order"),
    ("entity", -11, "pace"),
    ("shuffled", -1, "sequence"),
    ("sequences", -2, "order"),
    ("sequences", -3, "pace"),
]
# Views that look at the same, and may see it too.
KIN = {"pair": {"dependency"}, "number": {"joint"}, "novelty": {"record", "rarity"}}


@pytest.mark.parametrize("name", MODES)
def test_flags_are_those_of_the_golden_file(name):
    flags = scores_of(name).flags.frame.head(SHOWN)
    columns = flags[:, 0], flags["view"], flags["tail_probability"], flags["reason"]
    found = [[key, view, f"{tail:.3g}", reason] for key, view, tail, reason in zip(*columns, strict=True)]
    golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    if os.environ.get("ANOMEMBED_RENEW"):
        golden = {mode: found if mode == name else golden.get(mode, []) for mode in MODES}
        GOLDEN.write_text(json.dumps(golden, indent=1) + "\n")
    assert found == golden[name]


@pytest.mark.parametrize(("name", "key", "view"), PLANTED)
def test_a_planted_record_is_found_by_its_view_alone(name, key, view):
    """No other record is as abnormal in this view, some are in each of the others, and it is named."""
    keys = batch_of(name)[0]
    own, normal = keys.index(key), np.array(keys) >= 0
    found = {judged.view.name: raw[normal] - raw[own] for judged, raw in raws(name)}
    assert (found.pop(view) <= 0).all()
    kin = KIN.get(view, set())
    assert all((more >= 0).any() for other, more in found.items() if other not in kin), found
    (named,) = scores_of(name).frame.filter(pl.nth(0) == key)["view"]
    assert named in {view, *kin}


@pytest.mark.parametrize("name", ["mixed", "clean", "calls", "invoices", "graph", "vectors", "text", "text, clean"])
def test_without_compiled_loops_scores_are_the_same_but_for_rounding(name, monkeypatch):
    """Those of past events and of sequences, whose n-grams are looked up in large tables, are always compiled."""
    model, expected = model_of(name), model_of(name).score(batch_of(name)[1]).raw
    monkeypatch.setattr(compiled, "FEW_STEPS", 10**6)
    monkeypatch.setattr(compiled.Loop, "__call__", None)
    with compiled.compiler_spared():
        found = model.score(batch_of.__wrapped__(name)[1]).raw
    assert found == pytest.approx(expected, rel=1e-4, abs=0.02)
    monkeypatch.undo()
    assert model.score(batch_of(name)[1]).raw.tobytes() == expected.tobytes()  # nothing of it is left


def raws(name):
    return [(judged, judged.raw(batch_of(name)[1])) for judged in model_of(name).views]


@pytest.mark.parametrize("name", MODES)
def test_a_record_stands_out_in_the_view_in_which_it_is_rarest_and_a_sequence_in_the_one_that_adds_most(name):
    model, keys = model_of(name), batch_of(name)[0]
    rarity = np.array([judged.calibration.minus_log_tail(raw) for judged, raw in raws(name)])
    for judged, raw, nats in zip(model.views, (raw for _, raw in raws(name)), rarity, strict=True):
        if judged.rule == "evidence":  # which is in nats itself, and where there is none, nothing stands out
            nats[:] = np.where(raw > 0, np.maximum(nats, raw), 0)
    terms = np.array([judged.term(raw) for judged, raw in raws(name)])
    best = (terms if model.is_sequential else rarity).argmax(axis=0)
    names = {key: model.views[place].view.name for key, place in zip(keys, best, strict=True)}
    unflagged = scores_of(name).frame.filter(~pl.col("flagged")).select(pl.nth(0), "view")
    assert {key: names[key] for key in unflagged[:, 0]} == dict(unflagged.iter_rows())
    assert (terms.argmax(axis=0) != rarity.argmax(axis=0)).any()  # else either would do


@pytest.mark.parametrize("name", MODES)
def test_the_view_beside_a_flag_is_the_one_that_gives_its_reason(name):
    flags = scores_of(name).flags
    views = [judged.view for judged in model_of(name).views]
    anybody = {*WORDS, *shared.WORDS, *AgreementView.words, *RarityView.words, *EntityView.words, *HabitView.words}
    own = {kind: view.name for view in views for kind in view.words if kind not in anybody}
    assert flags.frame["view"].to_list() == [reason.view for reason in flags.reasons]
    assert all(reason.view == own.get(reason.kind, reason.view) for reason in flags.reasons)
    assert {reason.view for reason in flags.reasons} <= {view.name for view in views}
    scored = scores_of(name).frame.filter("flagged").select(pl.nth(0), "view")
    assert dict(scored.iter_rows()) == dict(flags.frame.select(pl.nth(0), "view").iter_rows())


def test_every_mode_has_planted_records():
    """With negative keys, but for the modes whose planted records have a test of their own."""
    elsewhere = ("calls", "trips", "invoices", "deposits", "tills")
    assert all((mode(name).judged[:, 0] < 0).any() for name in MODES if name not in elsewhere)

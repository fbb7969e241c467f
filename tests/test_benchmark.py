"""The benchmark of examples/ must not rot: it runs here on a made-up folder, without the tool."""

import json
import sys
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

BENCHMARK = Path(__file__).parents[1] / "examples" / "benchmark"
NORMAL = [("tea", "cup"), ("wine", "glass"), ("soup", "bowl")]
ABNORMAL = [("tea", "glass"), ("wine", "bowl"), ("soup", "cup")]  # each value is usual, the pair is not


@pytest.fixture
def quality(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARK)
    import peers
    import quality

    monkeypatch.delitem(peers.DETECTORS, "HBOS")  # it compiles for many seconds
    yield quality
    for name in ("quality", "peers", "protocols", "cost"):
        sys.modules.pop(name, None)


@pytest.fixture
def folder(tmp_path):
    drink, vessel = zip(*NORMAL * 100, *ABNORMAL * 2, strict=True)
    label = [0] * 300 + [1] * 6  # sorted by class, as published files often are
    pl.DataFrame({"drink": drink, "vessel": vessel, "label_name": "?", "label": label}).write_parquet(
        tmp_path / "adrepo_cmc.parquet"
    )
    return tmp_path


def test_peers_run_on_a_folder_and_those_that_see_pairs_win(quality, folder, monkeypatch, capsys):
    out = folder / "figures.json"
    monkeypatch.setattr(sys, "argv", ["quality.py", str(folder), "--peers-only", "--json", str(out)])
    assert quality.main() == 0
    (result,) = json.loads(out.read_text())
    auc = {name: figures["roc_auc"] for name, figures in result["methods"].items()}
    assert (result["judged"], result["positive"]) == (306, 6)
    assert auc["marginal rarity"] == pytest.approx(0.5)
    assert auc["CBRW"] == pytest.approx(0.5)
    assert auc["KNN"] == 1.0
    output = capsys.readouterr()
    assert "| **cmc** | ROC AUC | 0.500 |" in output.out
    assert "bank: left out, there is no adrepo_bank.parquet" in output.err


def test_the_tool_sees_no_label_and_no_order_by_class(quality, folder):
    (cmc,) = (d for d in quality.DATA_SETS if d.name == "cmc")
    truth = quality.build(cmc, folder, folder / "seen.duckdb")
    with quality.duckdb.connect(str(folder / "seen.duckdb"), read_only=True) as connection:
        seen = connection.sql("FROM records").pl()
    assert seen.columns == ["record", "drink", "vessel"]
    assert truth["label"].tail(6).sum() < 6
    assert b"label" not in (folder / "seen.duckdb").read_bytes()


def test_half_of_the_normal_records_are_the_reference_and_their_order_says_nothing(quality, tmp_path):
    day = [date(2024, 1, 1 + row % 28) for row in range(600)]
    pl.DataFrame({"day": day, "label": [0] * 400 + [1] * 200}).write_parquet(tmp_path / "phishing_websites.parquet")
    (phishing,) = (d for d in quality.DATA_SETS if d.name == "phishing_websites")
    truth = quality.build(phishing, tmp_path, tmp_path / "seen.duckdb")
    with quality.duckdb.connect(str(tmp_path / "seen.duckdb"), read_only=True) as connection:
        seen = connection.sql("FROM records ORDER BY record").pl()
    assert seen.columns == ["record", "day", "part"]
    assert truth["label"].sum() == 200
    assert 150 < (seen["part"] == "fit").sum() == 600 - truth.height < 250
    place = truth.group_by("label").agg(pl.col("record").mean())["record"]
    assert place.max() - place.min() < 60
    problem = quality.read_problem(seen, phishing.options)
    assert (problem.codes.shape, problem.numbers.shape) == ((600, 1), (600, 0))  # a day has no hour


def test_a_share_of_the_top_does_not_depend_on_the_order_of_ties(quality):
    positive = np.array([True] * 50 + [False] * 150)
    assert quality.top_share(positive, np.zeros(200)) == 0.25
    assert quality.top_share(positive, np.where(positive, 1.0, 0.0)) == 0.5


def test_planted_vectors_are_far_from_all_others_and_no_longer_than_these(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARK)
    import vectors

    made, columns, is_planted = vectors.make_vectors(3000)
    assert (made.shape, is_planted.sum(), set(columns)) == ((3000, vectors.WIDTH), vectors.PLANTED, {"kind", "channel"})
    length = np.linalg.norm(made, axis=1)
    assert length[is_planted].mean() == pytest.approx(length[~is_planted].mean(), rel=0.1)
    apart = np.linalg.norm(made[is_planted][:, None] - made[~is_planted][None, :500], axis=2).min(axis=1)
    usual = np.linalg.norm(made[~is_planted][500:700, None] - made[~is_planted][None, :500], axis=2).min(axis=1)
    assert np.median(apart) > usual.max()


def test_workers_that_need_no_time_get_what_the_others_scored(monkeypatch, tmp_path, capsys):
    monkeypatch.syspath_prepend(BENCHMARK)
    import workers

    rng, n_records = np.random.default_rng(0), 3_000
    pl.DataFrame(
        {
            "TRANSACTION_ID": range(n_records),
            "TX_DATETIME": pl.datetime_range(date(2024, 1, 1), date(2024, 3, 1), "1m", eager=True)[:n_records],
            "CUSTOMER_ID": rng.integers(0, 50, n_records).astype(str),
            "TERMINAL_ID": rng.integers(0, 90, n_records).astype(str),
            "TX_AMOUNT": rng.gamma(3, 20, n_records).round(2),
        }
    ).write_parquet(tmp_path / "fraud_handbook.parquet")
    monkeypatch.setattr(workers.speed, "ALL_PAYMENTS", n_records)
    monkeypatch.setattr(sys, "argv", ["workers.py", str(tmp_path), "--rows", str(n_records), "--repeat", "1"])
    assert workers.main() == 0
    table = capsys.readouterr().out.splitlines()
    assert [line.partition(" |")[0] for line in table[2:-2]][::2] == ["| 1 thread", "| workers that need no time"]
    assert "One process feeds" in table[-1]
    for name in ("workers", "speed", "cost"):
        sys.modules.pop(name, None)


def test_no_helper_of_the_tests_has_the_name_of_a_script():
    """The first one imported in a process would be taken for the other."""
    helpers = {path.stem for path in Path(__file__).parent.glob("*.py")}
    assert not helpers & {path.stem for path in BENCHMARK.glob("*.py")}


def test_later_payments_are_as_many_whatever_changes(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARK)
    import later

    made = {name: change(0) for name, change in later.CHANGES.items()}
    for name in ("later", "cost"):
        sys.modules.pop(name)
    assert {name for name, frame in made.items() if frame.height != later.N} == {"two thirds more payments"}
    assert all(frame["paid_at"].is_sorted() for frame in made.values())
    new = {name: set(frame["customer"]) - set(made["nothing"]["customer"]) for name, frame in made.items()}
    assert {name for name, some in new.items() if some} == {"two new customers a day", "the first new customers"}
    assert made["a batch number rises"]["batch"].is_sorted()

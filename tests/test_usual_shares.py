"""How frequent a value usually is among those of another column, without the few that have it far more often."""

import numpy as np
import polars as pl
import pytest

from anomembed.represent.counts import count_pairs
from anomembed.represent.usual_shares import all_usual_shares, usual_shares

N_CASHIERS, N_SALES = 20, 400
VOIDS = [4, 3, 5, 4] * 5  # of each cashier's sales


def shares(voids, n_sales=N_SALES):
    """Return the usual share of voids among cashiers, and that of each cashier among records that are void or not."""
    n, n_sales = len(voids), np.broadcast_to(n_sales, len(voids))
    rows = [[cashier, n + is_void] for cashier in range(n) for is_void in (0, 1)]
    times = [part for count, of in zip(voids, n_sales, strict=True) for part in (of - count, count)]
    counts = count_pairs(np.array(rows, np.int32), np.array(times), n + 2)
    found = usual_shares(counts, np.repeat([0, 1], [n, 2]), np.arange(n + 2))
    assert np.isnan(found[:n]).all(), "two values are too few to tell what is usual"
    assert np.isnan(found[:, 1]).all()
    return found[n:, 0]


def changed(**voids):
    return [voids.get(f"c{at}", count) for at, count in enumerate(VOIDS)]


def test_one_or_two_that_are_far_from_the_others_are_left_out():
    for apart in ({"c16": 104}, {"c16": 104, "c3": 60}):
        others = [count for at, count in enumerate(VOIDS) if f"c{at}" not in apart]
        not_void, void = shares(changed(**apart))
        assert void == pytest.approx(sum(others) / (len(others) * N_SALES))
        assert np.isnan(not_void), "nobody has far more sales that are not void"


@pytest.mark.parametrize(
    "voids",
    [
        VOIDS,
        changed(c16=10),  # within what chance makes
        changed(c1=104, c6=90, c16=80),  # three: a group of its own
        changed(c16=390),  # it is at home there
        [190 if at == 16 else 32 * (at % 2) for at in range(20)],  # the others are not alike
        [104 if at == 16 else 10 * (at % 2) for at in range(20)],  # nor are they where half of them have none
        changed(c16=30),  # it hardly changes the share
        [0] * 10 + [1] + [0] * 5 + [104] + [0] * 3,  # hardly any other has it
        [4, 4, 104],  # two others do not tell what is usual
    ],
    ids=["alike", "near", "three", "home", "unlike", "none", "little", "own", "few"],
)
def test_otherwise_the_share_of_all_records_is_what_is_usual(voids):
    assert np.isnan(shares(voids)).all()


def test_what_is_left_must_be_most_of_the_records():
    large = np.where(np.arange(20) == 16, 6_000, N_SALES)
    assert np.isnan(shares(changed(c16=480), large)).all()
    assert not np.isnan(shares(changed(c16=240), np.minimum(large, 3_000))[1])


def test_it_does_not_depend_on_which_tokens_are_asked_for():
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.integers(0, 20, 5000), rng.integers(20, 26, 5000), rng.integers(26, 30, 5000)])
    rows[(rows[:, 1] == 25) & (rng.random(5000) < 0.9), 1] = 24
    rows[(rows[:, 0] == 7) & (rng.random(5000) < 0.25), 1] = 25
    counts = count_pairs(rows.astype(np.int32), np.ones(5000, np.int64), 30)
    column_of = np.repeat([0, 1, 2], [20, 6, 4])
    found = usual_shares(counts, column_of, np.arange(30))
    assert not np.isnan(found[25, 0])
    assert found[[25, 3]] == pytest.approx(usual_shares(counts, column_of, np.array([25, 3])), nan_ok=True)
    assert all_usual_shares(counts, column_of).toarray() == pytest.approx(np.nan_to_num(found))


def sales(seed=0, n=8000):
    """Sales of 18 cashiers, of whom `K17` voids a quarter, and each other one in a hundred."""
    rng = np.random.default_rng(seed)
    cashier = rng.integers(1, 19, n)
    is_void = rng.random(n) < np.where(cashier == 17, 0.26, 0.01)
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "cashier": [f"K{number:02}" for number in cashier],
            "status": np.where(is_void, "void", np.where(rng.random(n) < 0.04, "return", "sale")),
            "method": rng.choice(["card", "cash", "voucher"], n, p=[0.7, 0.27, 0.03]),
            "dept": rng.choice(["food", "drinks", "home", "garden"], n),
        }
    )


@pytest.mark.parametrize("step", [1, -1], ids=["cashier first", "status first"])
def test_the_voids_of_one_cashier_are_not_held_against_the_others(run, tmp_path, step):
    """Chance would have 14 voids of each, for the sake of one: without it, 4, and that is what the others have."""
    frame = sales()
    frame.select(frame.columns[::step]).write_parquet(tmp_path / "sales.parquet")
    outcome = run("scan", tmp_path / "sales.parquet", "--key", "id", "--budget", 20, "--flat")
    assert outcome.code == 0, outcome.err
    assert "status=void is unusual with cashier=" not in outcome.out
    assert outcome.out.count("status=void") <= 8  # by chance, some have none or one

"""A record without a key is known by its row in the table, whatever is looked up or counted for it on the way."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from anomembed import scan

ODD = 13_500


def payments(n=18_000, seed=2):
    """Payments in time; a few references are there twice, so that it is counted who shares one."""
    rng = np.random.default_rng(seed)
    seconds = np.cumsum(rng.integers(1, 40, n))
    amount = rng.lognormal(3, 0.7, n).round(2)
    amount[ODD] = 88_888
    reference = np.arange(n)
    reference[1::400] -= 1
    return pl.DataFrame(
        {
            "paid_at": [datetime(2026, 3, 1) + timedelta(seconds=int(second)) for second in seconds],
            "shop": rng.choice(list("ABCDEFG"), n),
            "ref": [f"R{number:07d}" for number in reference],
            "amount": amount,
        }
    )


@pytest.mark.parametrize("written", ["csv", "parquet"])
def test_the_row_number_is_that_of_the_table_in_each_run(run, written):
    frame = payments()
    getattr(frame, f"write_{written}")(f"payments.{written}")
    found = set()
    for _ in range(4):  # threads finish in another order each time
        said = run("scan", f"payments.{written}", "--number", "amount", "--budget", 100, "--format", "csv")
        flags = pl.read_csv(said.out.encode())
        (row,) = flags.filter(pl.col("reason").str.contains("88888"))["row_number"]
        assert flags["reason"].str.contains("is shared by").any(), "else nothing is looked up"
        found.add(row)
    assert found == {ODD + 1}


@pytest.mark.parametrize("values", [2, 5], ids=["twice", "five"])
def test_a_column_called_rowid_is_a_column(values):
    """DuckDB has a hidden column of that name, which numbers the rows of a table."""
    n = 3_000
    rng = np.random.default_rng(0)
    rowid = np.arange(n) // 2 if values == 2 else rng.integers(0, values, n)
    frame = pl.DataFrame(
        {
            "payment": [f"P{number:05}" for number in range(n)],
            "paid_at": [datetime(2026, 3, 2) + timedelta(days=float(day)) for day in np.sort(rng.uniform(0, 21, n))],
            "customer": rng.choice([f"C{number}" for number in range(30)], n),
            "shop": rng.choice(["A", "B", "C"], n),
            "amount": rng.gamma(4, 20, n).round(2),
            "RowID": rowid,
        }
    )
    scores = scan(frame, config={"roles": {"entity": ["customer"], "timestamp": ["paid_at"]}}).frame
    assert sorted(scores["payment"]) == frame["payment"].to_list()
    unkeyed = scan(frame.drop("payment", "customer"), config={"roles": {"number": ["amount"]}}).frame
    assert sorted(unkeyed["row_number"]) == list(range(1, n + 1))

"""A shop whose payments come in over time, a configuration that watches it, and what its store holds afterwards.

The shop decides city and price. Payment `number` is made at `START` plus `number` times 30 seconds.
"""

import hashlib
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
from databases import opened

START = datetime(2026, 5, 1)
STEP = timedelta(seconds=30)
HOUR = 120  # payments
REFERENCE = 1600  # payments that are there before the monitor begins, some thirteen hours
CONFIG = """
[source]
database = "shop.duckdb"
table = "payments"
time_zone = "UTC"
fit_where = "paid_at < TIMESTAMP '2026-05-01 13:20:00'"
{source}
[roles]
key = ["id"]
timestamp = ["paid_at"]
category = ["customer", "shop", "city"]
number = ["price"]
{roles}
[flags]
threshold = 0.002
[store]
path = "store.duckdb"
[monitor]
{monitor}
"""
COLUMNS = "id BIGINT, paid_at TIMESTAMP, customer VARCHAR, shop VARCHAR, city VARCHAR, price DOUBLE"
SCHEMA = {
    "id": pl.Int64,
    "paid_at": pl.Datetime("us"),
    **dict.fromkeys(("customer", "shop", "city"), pl.String),
    "price": pl.Float64,
}
CLOCKS = {
    "runs": ["scored_at"],
    "models": ["fitted_at"],
    "acts": ["done_at"],
    "feedback": ["given_at"],
    "deliveries": ["told_at", "n_tries", "error"],
}
"""Columns that hold what a clock said, or how often a channel failed, by table."""


def drawn(number, *words):
    """A number from 0 to 1 that only depends on the arguments."""
    digest = hashlib.blake2b(repr((number, *words)).encode(), digest_size=6).digest()
    return int.from_bytes(digest) / 2**48


def payment(number, **changes):
    """One payment, as a row; `changes` make it odd."""
    shop = int(6 * drawn(number, "shop"))
    usual = {
        "id": number,
        "paid_at": START + number * STEP,
        "customer": f"customer{int(20 * drawn(number, 'customer'))}",
        "shop": f"shop{shop}",
        "city": f"city{shop % 3}",
        "price": round(2.0**shop * (1 + drawn(number, "price")), 2),
    }
    return tuple((usual | changes).values())


def odd(number, **changes):
    """A payment in a city that was never seen."""
    return payment(number, **{"city": "Atlantis", "price": 9999.0, **changes})


def pay(*rows, path="shop.duckdb"):
    """Write payments to the source."""
    with opened(path) as connection:
        connection.execute(f"CREATE TABLE IF NOT EXISTS payments ({COLUMNS})")
        if rows:
            connection.register("new_payments", pl.DataFrame(rows, schema=SCHEMA, orient="row"))
            connection.execute("INSERT INTO payments FROM new_payments")


def open_shop(source="", roles="", monitor=""):
    """Write the payments of the reference and the configuration `shop.toml`."""
    pay(*(payment(number) for number in range(REFERENCE)))
    Path("shop.toml").write_text(CONFIG.format(source=source, roles=roles, monitor=monitor))


def at(number):
    """The time of a payment, for --now."""
    return (START + number * STEP).isoformat()


def read(sql, path="store.duckdb"):
    with opened(path, read_only=True) as connection:
        return connection.execute(sql).fetchall()


def judged_keys():
    """Keys of what was scored, in order, with doubles."""
    return [
        int(key) for (key,) in read("SELECT key FROM scores JOIN runs USING (run_id) WHERE part <> 'again' ORDER BY 1")
    ]


def tables(path="store.duckdb"):
    """All tables of a store but what a clock said, as rows in the order in which they were written."""
    with opened(path, read_only=True) as connection:
        names = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()]
        found = {}
        for name in names:
            left_out = ", ".join(f'"{column}"' for column in CLOCKS.get(name, ()))
            columns = f"* EXCLUDE ({left_out})" if left_out else "*"
            found[name] = connection.execute(f'SELECT {columns} FROM "{name}" ORDER BY ALL').fetchall()
        return found

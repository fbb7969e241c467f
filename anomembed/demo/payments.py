"""The card payments: 2,000 customers and 600 merchants in 13 weeks."""

import numpy as np
import polars as pl
from polars import col

from anomembed.demo.drawing import (
    DAY,
    HOUR,
    N_WEEKS,
    Columns,
    Numbers,
    bounded_lognormal,
    busy_hours,
    choose,
    decode,
    to_time,
)
from anomembed.demo.market import CATEGORIES, CHANNELS, COUNTRIES, N_CUSTOMERS, draw_customers, draw_shops, name_shops
from anomembed.demo.planting import Kind, is_common, plant

N_PAYMENTS, N_PLANTED = 200_000, 20
TAPPED, ONLINE, FROM_MACHINE = (CHANNELS.index(name) for name in ("contactless", "online", "atm"))
CURRENCIES = ("EUR", "GBP", "USD", "CHF", "PLN", "SEK", "CZK")
COUNTRY_CURRENCY = np.array([0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 0])
PRICE_LEVEL = np.array([1, 1, 1.05, 0.95, 0.95, 1.1, 1.1, 1.2, 0.85, 1.1, 0.85, 0.9])
DEVICES = ("ios", "android", "windows", "mac")
PAYMENT_KINDS = {
    "swipe_at_streaming": Kind(
        "{merchant} is a streaming service without a terminal, but a card's magnetic stripe was swiped there.",
        (col("merchant_category") == "streaming") & (col("channel_2") == "magstripe"),
        {"channel": col("channel_2"), "device": col("device_2")},
    ),
    "merchant_abroad": Kind(
        "{merchant} has no shop in {country}, but this payment claims to come from one.",
        col("channel").is_in(["chip", "contactless"])
        & (col("country") == col("_home"))
        & (col("merchant_category") == col("merchant_category_2"))
        & (col("country_2") == col("_home_2"))
        & (col("currency") != col("currency_2")),
        {"merchant": col("merchant_2")},
    ),
    "night_groceries": Kind(
        "{merchant} sells groceries by day, but this payment was made in the shop at night.",
        (col("merchant_category") == "groceries")
        & (col("channel") != "online")
        & col("paid_at_2").dt.hour().is_between(2, 4),
        {"paid_at": col("paid_at_2")},
    ),
    "coffee_fortune": Kind(
        "{amount} is the price of electronics, but it was paid for coffee at {merchant}.",
        (col("merchant_category") == "coffee")
        & (col("merchant_category_2") == "electronics")
        & (col("amount_2") > 150),
        {"amount": col("amount_2")},
    ),
    "borrowed_card": Kind(
        "{customer} lives elsewhere and owns no {device}, but bought with one from a web shop in {country}.",
        (col("channel") == "online")
        & (col("country") == col("_home"))
        & (col("country") != col("_home_2"))
        & (col("country") != col("_destination_2"))
        & (col("device") != col("_phone_2"))
        & (col("device") != col("_computer_2")),
        {"customer": col("customer_2")},
    ),
}


def make_payments(rng: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Draw the payments and plant the cases of `PAYMENT_KINDS`.

    Parameters
    ----------
    rng : np.random.Generator
        Random numbers.

    Returns
    -------
    table : pl.DataFrame
        The payments, sorted by time, with their key.
    truth : pl.DataFrame
        Key, `kind` and `story` of the planted rows.
    """
    rows, shops = _draw_payments(rng)
    low, high = np.quantile(rows["amount"], (0.015, 0.985))
    usual = (rows["amount"] > low) & (rows["amount"] < high)
    usual &= is_common(rows["customer"]) & is_common(rows["merchant"])
    frame = pl.DataFrame(
        {
            "paid_at": to_time(rows["day"] * DAY + rows["second"]),
            "customer": decode([f"C{i:04}" for i in range(N_CUSTOMERS)], rows["customer"]),
            "merchant": decode(shops, rows["merchant"]),
            "merchant_category": decode([category.name for category in CATEGORIES], rows["category"]),
            **{name: decode(COUNTRIES, rows[name]) for name in ("country", "_home", "_destination")},
            "channel": decode(CHANNELS, rows["channel"]),
            **{name: decode(DEVICES, rows[name]) for name in ("device", "_phone", "_computer")},
            "currency": decode(CURRENCIES, rows["currency"]),
            "amount": rows["amount"].round(2),
        }
    )
    return plant(frame, "payment_id", usual, PAYMENT_KINDS, N_PLANTED, rng)


def _draw_payments(rng: np.random.Generator) -> tuple[Columns, list[str]]:
    people, shops = draw_customers(rng), draw_shops(rng)
    activity = people.pop("activity")
    customer = rng.choice(N_CUSTOMERS, N_PAYMENTS, p=activity / activity.sum())
    category = choose(rng, people.pop("appetite"), customer)
    channel = choose(rng, people.pop("channel_taste"), customer * len(CATEGORIES) + category)
    favourite = people.pop("favourite")[customer, category]
    rows = {name: values[customer] for name, values in people.items()}
    rows |= {"customer": customer, "category": category, "channel": channel}
    rows |= _draw_times(rows, rng)
    rows["country"] = _draw_countries(rows, rng)
    rows["merchant"] = _draw_merchants(rows, favourite, shops["first"], rng)
    rows["device"] = _draw_devices(rows, rng)
    rows["currency"] = COUNTRY_CURRENCY[rows["country"]]
    rows["amount"] = _draw_amounts(rows, rng)
    return rows, name_shops(shops["category"], rng)


def _draw_times(rows: Columns, rng: np.random.Generator) -> Columns:
    category, n = rows["category"], N_PAYMENTS
    weekdays = np.array([[1, 1, 1, 1, 1.2, c.weekend, c.weekend] for c in CATEGORIES])
    hours = np.array([busy_hours(c.peaks, c.width) for c in CATEGORIES])
    day = rng.integers(0, N_WEEKS, n) * 7 + choose(rng, weekdays, category)
    hour = choose(rng, hours, category) + rng.random(n) + rows["hour_shift"]
    odd = rng.random(n) < 0.0004
    hour[odd] = rng.uniform(0, 24, odd.sum())
    return {"day": day, "second": (hour * HOUR).astype(int) % DAY}


def _draw_countries(rows: Columns, rng: np.random.Generator) -> Numbers:
    """Draw countries: people pay in person where they are, at home or on a trip; web shops may be abroad too."""
    days_away = rows["day"] - rows["trip_day"]
    in_person = rows["channel"] != ONLINE
    luck = rng.random(N_PAYMENTS)
    abroad = np.where(in_person, (days_away >= 0) & (days_away < 5), luck < 0.02)
    country = np.where(abroad, rows["_destination"], rows["_home"])
    anywhere = rng.integers(0, len(COUNTRIES), N_PAYMENTS)
    return np.where(luck > 0.999, anywhere, country)


def _draw_merchants(rows: Columns, favourite: Numbers, first: Numbers, rng: np.random.Generator) -> Numbers:
    """Draw shops: mostly the first ones of a cell (Zipf) and the customer's favourite."""
    cell = rows["category"] * len(COUNTRIES) + rows["country"]
    luck = np.where(rng.random(N_PAYMENTS) < 0.65, favourite, rng.random(N_PAYMENTS))
    return np.asarray(first[cell] + ((first[cell + 1] - first[cell]) * luck**2.5).astype(int))


def _draw_devices(rows: Columns, rng: np.random.Generator) -> Numbers:
    """Draw devices: phone or computer in web shops, tapped phones at terminals, else -1 (none)."""
    luck, borrowed = rng.random(N_PAYMENTS), rng.integers(0, len(DEVICES), N_PAYMENTS)
    own = np.where(luck < 0.6, rows["_phone"], rows["_computer"])
    at_terminal = np.where(rows["taps_with_phone"] & (luck < 0.7), rows["_phone"], -1)
    tapped = np.where(rows["channel"] == TAPPED, at_terminal, -1)
    return np.where(rows["channel"] == ONLINE, np.where(luck > 0.98, borrowed, own), tapped)


def _draw_amounts(rows: Columns, rng: np.random.Generator) -> Numbers:
    typical = np.array([c.amount for c in CATEGORIES])[rows["category"]]
    spread = np.array([c.spread for c in CATEGORIES])[rows["category"]]
    amount = typical * rows["level"] * PRICE_LEVEL[rows["country"]] * bounded_lognormal(rng, spread, N_PAYMENTS)
    bulk = rng.random(N_PAYMENTS) < 0.0002
    amount[bulk] *= rng.uniform(3, 12, bulk.sum())
    from_machine = rows["channel"] == FROM_MACHINE
    return np.asarray(np.where(from_machine, np.ceil(amount / 10) * 10, np.maximum(amount, 0.5)))

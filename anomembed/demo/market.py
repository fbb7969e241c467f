"""The customers and merchants behind the payments."""

from typing import NamedTuple

import numpy as np

from anomembed.demo.drawing import N_WEEKS, Columns, Numbers, bounded_lognormal

N_CUSTOMERS, N_MERCHANTS = 2_000, 600


class Category(NamedTuple):
    """A category of merchants and the habits of its customers."""

    name: str
    shop: str  # the last word of a merchant's name
    weight: float  # how often people pay there
    amount: float  # the median payment
    spread: float  # of the logarithm of the amount
    peaks: tuple[int, ...]  # the busiest hours
    width: float  # of a peak, in hours
    weekend: float  # how busy a Saturday or Sunday is compared with a working day
    channels: tuple[float, ...]  # shares in the order of CHANNELS


CHANNELS = ("contactless", "chip", "online", "magstripe", "atm")
CATEGORIES = (
    Category("groceries", "Market", 26, 32, 0.7, (11, 18), 2.2, 0.8, (60, 33, 7, 0, 0)),
    Category("coffee", "Coffee", 11, 5, 0.4, (8, 14), 1.7, 0.7, (85, 15, 0, 0, 0)),
    Category("restaurants", "Kitchen", 11, 28, 0.6, (13, 20), 1.3, 1.4, (50, 38, 12, 0, 0)),
    Category("bars", "Bar", 7, 19, 0.6, (21, 0), 2.0, 2.2, (70, 28, 0, 2, 0)),
    Category("fuel", "Fuel", 8, 55, 0.4, (8, 18), 4.0, 0.9, (25, 60, 0, 15, 0)),
    Category("transport", "Transit", 9, 9, 0.8, (8, 18, 2), 2.0, 0.6, (70, 5, 23, 2, 0)),
    Category("clothing", "Fashion", 7, 60, 0.7, (13, 17), 2.3, 1.6, (30, 30, 40, 0, 0)),
    Category("electronics", "Electronics", 4, 180, 0.8, (15, 20), 2.5, 1.3, (10, 45, 45, 0, 0)),
    Category("pharmacy", "Pharmacy", 5, 17, 0.6, (10, 17), 2.2, 0.7, (60, 36, 4, 0, 0)),
    Category("hotels", "Hotel", 3, 190, 0.5, (8, 19), 3.0, 1.1, (5, 55, 25, 15, 0)),
    Category("streaming", "Stream", 5, 12, 0.3, (21, 3), 3.5, 1.1, (0, 0, 100, 0, 0)),
    Category("cash", "Cash", 4, 90, 0.6, (12, 18, 0), 3.0, 1.2, (0, 0, 0, 0, 100)),
)
COUNTRIES = ("DE", "FR", "NL", "ES", "IT", "GB", "US", "CH", "PL", "SE", "CZ", "PT")
COUNTRY_WEIGHTS = np.array([24, 13, 9, 9, 9, 9, 6, 5, 5, 4, 4, 3])
FIRST_WORDS = (
    "Amber Birch Cobalt Copper Coral Crimson Dapper Eager Fabled Gentle Golden Hidden Indigo Ivory Jolly Lunar "
    "Maple Mellow Nimble Noble Olive Pebble Quiet Rustic Scarlet Silver Sunny Velvet Willow Zephyr"
)
SECOND_WORDS = (
    "Acorn Anchor Badger Beacon Bridge Canyon Cedar Comet Falcon Fern Fox Harbor Heron Lantern Lark Lighthouse "
    "Meadow Otter Owl Pine River Sparrow Summit Tulip Walnut"
)


def draw_customers(rng: np.random.Generator) -> Columns:
    """Draw the habits of the customers.

    Parameters
    ----------
    rng : np.random.Generator
        Random numbers.

    Returns
    -------
    dict of str to ndarray
        One row per customer, but in `channel_taste` one per customer and category; names with an underscore become
        hidden columns.
    """
    n = N_CUSTOMERS
    home = rng.choice(len(COUNTRIES), n, p=COUNTRY_WEIGHTS / COUNTRY_WEIGHTS.sum())
    weights = np.array([category.weight for category in CATEGORIES])
    channels = np.array([category.channels for category in CATEGORIES])
    return {
        "_home": home,
        "_destination": (home + rng.integers(1, len(COUNTRIES), n)) % len(COUNTRIES),
        "trip_day": rng.integers(-150, N_WEEKS * 7, n),
        "level": bounded_lognormal(rng, 0.3, n),
        "hour_shift": rng.uniform(-0.5, 0.5, n),
        "_phone": rng.integers(0, 2, n),
        "_computer": rng.integers(2, 4, n),
        "taps_with_phone": rng.random(n) < 0.4,
        "activity": rng.lognormal(0, 0.8, n),
        "appetite": weights * rng.lognormal(0, 0.5, (n, len(CATEGORIES))),
        "channel_taste": (channels * rng.lognormal(0, 0.6, (n, 1, len(CHANNELS)))).reshape(-1, len(CHANNELS)),
        "favourite": rng.random((n, len(CATEGORIES))),
    }


def draw_shops(rng: np.random.Generator) -> Columns:
    """Distribute the shops over categories and countries, at least two in each cell.

    Parameters
    ----------
    rng : np.random.Generator
        Random numbers.

    Returns
    -------
    dict of str to ndarray
        `category` of each shop, and `first`: the first shop of each cell, then the number of shops.
    """
    n_cells = len(CATEGORIES) * len(COUNTRIES)
    weights = np.outer([category.weight for category in CATEGORIES], COUNTRY_WEIGHTS).ravel() ** 0.5
    per_cell = 2 + rng.multinomial(N_MERCHANTS - 2 * n_cells, weights / weights.sum())
    return {
        "category": np.repeat(np.arange(n_cells), per_cell) // len(COUNTRIES),
        "first": np.concatenate([[0], per_cell.cumsum()]),
    }


def name_shops(category: Numbers, rng: np.random.Generator) -> list[str]:
    """Invent a name for each shop, which shows its category.

    Parameters
    ----------
    category : ndarray of shape (n_shops,)
        Indices into `CATEGORIES`.
    rng : np.random.Generator
        Random numbers.

    Returns
    -------
    list of str
        Distinct names.
    """
    names = [f"{first} {second}" for first in FIRST_WORDS.split() for second in SECOND_WORDS.split()]
    drawn = rng.choice(len(names), len(category), replace=False)
    return [f"{names[i]} {CATEGORIES[k].shop}" for i, k in zip(drawn, category, strict=True)]

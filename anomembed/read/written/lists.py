"""Texts that list items, such as ``read,write,share``: read as the items that few records have.

Nearly every record has its own list where there are some dozen items, so that lists say nothing about one another, but
an item that no other list has does.
"""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from anomembed.read.columns import Profile
from anomembed.read.roles.role import Role
from anomembed.read.table import Table
from anomembed.read.written.recognising import Found
from anomembed.read.written.style import Items, Written

LEAST_DISTINCT = 0.2  # share of lists of their own, above which lists say little about one another
LEAST_RECORDS = 50
LONGEST = 1_000  # characters of a list, on average
SAMPLED = 20_000  # records that tell which items are usual
SEPARATORS = ",;|"
LEAST_LISTS, LEAST_ITEMS = 0.5, 2.0  # share of lists with a separator, items of a list on average
MOST_ITEMS = 500  # usual ones
MOST_OF_LISTS = 0.1  # different items, for each different list
MOST_SPACES = 0.5  # of an item, on average: the parts of sentences are no items
MOST_UNUSUAL = 0.1  # share of records that may have an unusual item


class Lists(NamedTuple):
    """How the lists of a column are written, and in how many of them each item is."""

    separator: str
    counts: Counter[str]
    n_lists: int


def find_lists(table: Table, profiles: Mapping[str, Profile], given: Mapping[str, Role]) -> dict[str, Found]:
    """Find the columns of texts that are lists of few items, by name.

    Parameters
    ----------
    table : Table
        The open table.
    profiles : mapping of str to Profile
        Of the columns in question, by name.
    given : mapping of str to Role
        The roles that the user specifies; only categories may be lists.
    """
    columns = [
        column
        for column in table.columns
        if column.type == "VARCHAR"
        and column.name in profiles
        and given.get(column.name, Role.CATEGORY) is Role.CATEGORY
        and _may_be_lists(profiles[column.name])
    ]
    if not columns:
        return {}
    texts = table.some_rows({column.name: column.expression for column in columns}, SAMPLED)
    found = {column.name: read_lists(texts[column.name].drop_nulls().to_list()) for column in columns}
    return {name: _found(lists) for name, lists in found.items() if lists}


def _may_be_lists(profile: Profile) -> bool:
    n_known = profile.n_records - profile.n_nulls
    ends = (profile.minimum or "") + (profile.maximum or "")
    is_some = n_known >= LEAST_RECORDS and profile.n_distinct > LEAST_DISTINCT * n_known
    return is_some and profile.mean_length <= LONGEST and not ends.startswith(("{", "["))


def read_lists(texts: list[str]) -> Lists | None:
    """Return how texts list items; None where they do not.

    Examples
    --------
    >>> import random
    >>> random.seed(0)
    >>> texts = [",".join(random.sample("abcdefgh", 4)) for _ in range(200)]
    >>> read_lists(texts).separator, read_lists([f"{text[:3]} {at},{at}" for at, text in enumerate(texts)])
    (',', None)
    """
    separator = max(SEPARATORS, key=lambda mark: sum(mark in text for text in texts))
    if sum(separator in text for text in texts) < max(LEAST_LISTS * len(texts), 1):
        return None
    counts, spaces, n_items = Counter[str](), 0, 0
    for text in texts:
        items = {item.strip() for item in text.split(separator)} - {""}
        counts.update(items)
        n_items += len(items)
        spaces += sum(item.count(" ") for item in items)
    are_items = spaces < MOST_SPACES * n_items and n_items >= LEAST_ITEMS * len(texts)
    return (
        Lists(separator, counts, len(texts)) if are_items and len(counts) <= MOST_OF_LISTS * len(set(texts)) else None
    )


def _found(lists: Lists) -> Found:
    """Return what is read of lists: the items that are not among the usual ones."""
    n_unusual, usual = 0, dict(lists.counts)
    for item, n in sorted(lists.counts.items(), key=lambda one: (one[1], one[0])):
        n_unusual += n
        if n_unusual > MOST_UNUSUAL * lists.n_lists and len(usual) <= MOST_ITEMS:
            break
        del usual[item]
    like = f"lists of about {len(lists.counts):,} items, read as those that few records have"
    return Found(Role.CATEGORY, Written(items=Items(lists.separator, tuple(sorted(usual)))), like)

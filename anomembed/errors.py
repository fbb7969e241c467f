"""The errors that anomembed raises, as one tree; the command line turns each branch into its exit code.

::

    AnomembedError
    ├── UserError                the user must change something     exit code 2
    │   ├── SourceError          a file, table or column is missing, or of the wrong kind
    │   ├── DataError            the records cannot be used as they are
    │   ├── ConfigError          a setting is wrong
    │   └── StoreError           the store, or a model in it, cannot be used
    ├── LockedError              another process holds the file     exit code 3
    └── WorkersError             workers are gone or out of reach   exit code 3

Any other exception that reaches the command line is a bug of anomembed: exit code 70.
"""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

LONGEST_SHOWN = 40  # characters of a value in a sentence
PLACEHOLDER = re.compile(r"<(?:[a-z]+|\*)>")  # in a template, such as <ip>
LONGEST_PLACEHOLDER = 12  # characters
MOST_NAMED = 6  # names in one


class AnomembedError(Exception):
    """Base of all errors that anomembed raises on purpose; its text is one sentence for the user."""

    exit_code = 70


class UserError(AnomembedError, ValueError):
    """The user must change an argument, a setting or the data; to Python and scikit-learn that is a ValueError."""

    exit_code = 2


class SourceError(UserError):
    """A file, table or column is missing, or of the wrong kind."""


class DataError(UserError):
    """The records cannot be used as they are."""


class ConfigError(UserError):
    """A setting is unknown or out of its range."""


class StoreError(UserError):
    """The store, or a model in it, cannot be used."""


class LockedError(AnomembedError):
    """Another process holds the file; try again later."""

    exit_code = 3


class WorkersError(AnomembedError):
    """Workers cannot be reached, or were lost; try again later."""

    exit_code = 3


def is_text(value: str) -> bool:
    """Tell whether a text can be a name, a path or SQL: it is UTF-8 without null characters."""
    try:
        return b"\0" not in value.encode("utf-8")
    except UnicodeEncodeError:  # bytes that are no UTF-8 come from the shell as surrogates
        return False


def plain_text(text: str) -> str:
    """Return all of `text` on one line; what a terminal would obey becomes a question mark."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def shown(value: str) -> str:
    """Quote a value for a message, shortened when it is long.

    Examples
    --------
    >>> shown("Acme"), len(shown("x" * 9_000))
    ("'Acme'", 42)
    """
    return repr(shorten(value, LONGEST_SHOWN))


def shorten(text: str, longest: int) -> str:
    """Return a text without its end, which a sign takes the place of, when it is longer.

    Examples
    --------
    >>> shorten("merchant", 8), shorten("merchants", 8)
    ('merchant', 'merchan…')
    """
    return text if len(text) <= longest else text[: around_placeholder(text, longest - 1)[0]] + "…"


def around_placeholder(text: str, at: int) -> tuple[int, int]:
    """Return where to end the part of a text before a place, and to begin that behind it; of a placeholder, both ends.

    Examples
    --------
    >>> around_placeholder("from <ip> port", 7), around_placeholder("from <ip> port", 2)
    ((5, 9), (2, 2))
    """
    begin = text.rfind("<", max(at - LONGEST_PLACEHOLDER, 0), at)
    found = PLACEHOLDER.match(text, begin) if begin >= 0 else None
    return found.span() if found and found.end() > at else (at, at)


def first_names(names: Sequence[object], most: int = MOST_NAMED) -> str:
    """Return the first of some names, or other things, for a message.

    Examples
    --------
    >>> first_names(["amount", "country"]), first_names(range(8))
    ('amount, country', '0, 1, 2, 3, 4, 5, ...')
    """
    return ", ".join(map(str, names[:most])) + (", ..." if len(names) > most else "")


def nearest_name(given: str, known: Iterable[str]) -> str:
    """Return which known name was probably meant, to end a message with.

    Parameters
    ----------
    given : str
        The unknown name.
    known : iterable of str
        The names to choose from.

    Returns
    -------
    str
        ``"; did you mean 'amount'?"``, or the known names when none is near, or nothing when there are none.

    Examples
    --------
    >>> nearest_name("amuont", ["amount", "country"])
    "; did you mean 'amount'?"
    >>> nearest_name("x", ["amount", "country"])
    '; there are: amount, country'
    """
    names = sorted(known)
    folded = {name.casefold(): name for name in names}
    close = get_close_matches(given.casefold(), folded, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {folded[close[0]]!r}?"
    return f"; there are: {first_names(names, 12)}" if names else ""

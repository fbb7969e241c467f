"""Imported vectors: which tokens of a corpus have one, and how strongly learning pulls back to them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from anomembed.errors import DataError, shown
from anomembed.represent.arrays import Matrix
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.spelling import plain_spelling, spell
from anomembed.represent.tokens.vocabulary import FIRST_VALUE

Use = Literal["start", "frozen", "fine-tune"]

NONE, EXACT, SPELLING, WORDS = range(4)  # how a token was matched to a vector
FEWEST = 3  # names with the same text before an equals sign that make it a column
LINES = 12  # columns with a note each; more columns share one


class GivenVectors(Protocol):
    """Vectors by name, as they were read."""

    @property
    def source(self) -> str:
        """Where they come from."""

    @property
    def names(self) -> tuple[str, ...]:
        """Distinct; ``column=token`` for a column, or just the token, for every column."""

    @property
    def vectors(self) -> Matrix:
        """Float32, finite, none of them zero, shape (n_names, width)."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, and what is odd about the names, a clause each."""

    @property
    def width(self) -> int:
        """Numbers per vector."""


@dataclass(frozen=True)
class Imported:
    """Imported vectors for some of the tokens.

    Parameters
    ----------
    vectors : ndarray of shape (n_tokens, width)
        Float32; zero for tokens without one.
    known : ndarray of shape (n_tokens,)
        Which have one.
    use : str
        ``start``: learning starts from them. ``frozen``: they stay fixed while the other tokens are learnt.
        ``fine-tune``: they move, but are pulled back.
    strength : float
        Of the pull: it weighs as much as this many records with the token.
    notes : tuple of str
        How many tokens have one.
    """

    vectors: Matrix
    known: NDArray[np.bool_]
    use: Use
    strength: float
    notes: tuple[str, ...]

    @property
    def pull(self) -> float:
        """How strongly a vector is pulled back, in records; infinite when it is frozen."""
        return {"start": 0.0, "frozen": np.inf, "fine-tune": self.strength}[self.use]

    def pulls(self, occurrences: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return how strongly every token is pulled back, relative to a record with it; infinite when it is frozen.

        Parameters
        ----------
        occurrences : ndarray of shape (n_tokens,)
            Records with each token.
        """
        return np.where(self.known, self.pull / np.maximum(occurrences, 1), 0).astype(np.float32)


def match_vectors(given: GivenVectors, corpus: Corpus, use: Use, strength: float) -> Imported:
    """Find the vector of every token that occurs.

    By its exact name, ``column=token`` before the bare token; then by its spelling without case, accents and
    punctuation; then as the mean of its words' vectors. Bins of numbers, parts of a time and special tokens only match
    by their exact name.

    Parameters
    ----------
    given : GivenVectors
        Vectors by name.
    corpus : Corpus
        Has the tokens.
    use, strength
        See `Imported`.

    Returns
    -------
    Imported

    Raises
    ------
    DataError
        When no token has a vector.
    """
    names = _Names(given.names)
    labels = [
        (column.name, label, column.kind.traits.is_text and code >= FIRST_VALUE)
        for column in corpus.columns
        for code, label in enumerate(column.labels)
    ]
    vectors = np.zeros((len(labels), given.width), np.float32)
    how = np.zeros(len(labels), np.int64)
    used = np.flatnonzero(corpus.occurrences).tolist()
    for token in used:
        column, label, is_spelled = labels[token]
        how[token], rows = names.find(column, label, is_spelled=is_spelled)
        if rows:
            vectors[token] = given.vectors[rows].mean(axis=0)
    how[~vectors.any(axis=1)] = NONE  # the mean of words can be zero
    if not how.any():
        column, label, _ = labels[used[0]]
        raise DataError(_explain_no_match(given, len(used), column, label))
    return Imported(vectors, how > NONE, use, strength, tuple(_coverage(given, corpus, how, use)))


def _explain_no_match(given: GivenVectors, n_used: int, column: str, label: str) -> str:
    names = ", ".join(map(shown, given.names[:3]))
    return (
        f"no value has a vector in {given.source}: 0 of {n_used:,}; it has names such as {names}, "
        f"but the values are named {shown(f'{column}={label}')} or {shown(label)}"
    )


class _Names:
    """The names of imported vectors, and how to find a token among them."""

    def __init__(self, names: Sequence[str]) -> None:
        self._exact = {name: row for row, name in enumerate(names)}
        self._plain: dict[str, int] = {}
        for row, name in enumerate(names):  # of names spelled alike the first, which is usually the most frequent
            self._plain.setdefault(plain_spelling(name), row)

    def find(self, column: str, label: str, *, is_spelled: bool) -> tuple[int, list[int]]:
        """Return how a token was matched, and the rows whose mean is its vector."""
        full = f"{column}={label}"
        bare = (label, spell(label)) if is_spelled else ()
        for name in (full, spell(full), *bare):
            if name in self._exact:
                return EXACT, [self._exact[name]]
        plain = plain_spelling(label) if is_spelled else ""
        if not any(map(str.isalpha, plain)):  # without punctuation -1 would match 1
            return NONE, []
        for name in (f"{plain_spelling(column)} {plain}", plain):
            if name in self._plain:
                return SPELLING, [self._plain[name]]
        rows = [self._plain[word] for word in plain.split() if word in self._plain]
        return (WORDS, rows) if rows else (NONE, [])


def _coverage(given: GivenVectors, corpus: Corpus, how: NDArray[np.int64], use: Use) -> Iterable[str]:
    total = _share(corpus, how, 0, corpus.size)
    yield f"vectors of {given.source} ({len(given.names):,}, {given.width} wide), {use}: {total} have one"
    yield from (f"vectors: {note}" for note in given.notes)
    yield from _left_out(given, corpus)
    columns = [
        f"{column.name} {_share(corpus, how, low, high)}"
        for column, (low, high) in zip(corpus.columns, pairwise(corpus.offsets.tolist()), strict=True)
        if (how[low:high] != EXACT)[corpus.occurrences[low:high] > 0].any()  # the others are matched completely
    ]
    yield from (f"vectors: {line}" for line in (columns if len(columns) <= LINES else ["; ".join(columns)]))


def _left_out(given: GivenVectors, corpus: Corpus) -> Iterable[str]:
    """Note the columns that have vectors but no tokens here."""
    known = {name for column in corpus.columns for name in (column.name, spell(column.name))}
    counts = Counter(name.split("=", 1)[0] for name in given.names if "=" in name)
    unknown = [(column, n) for column, n in counts.most_common() if column not in known and n >= FEWEST]
    for column, n in unknown[:LINES]:
        yield f"vectors: {n:,} are of {shown(column)}, which is no column of values here; --category may make it one"


def _share(corpus: Corpus, how: NDArray[np.int64], low: int, high: int) -> str:
    times, how = corpus.occurrences[low:high], how[low:high]
    n_used, n_known = int(np.count_nonzero(times)), int(np.count_nonzero(how))
    ways = {"by spelling": SPELLING, "by words": WORDS}
    counted = [f"{int((how == way).sum()):,} {name}" for name, way in ways.items() if (how == way).any()]
    more = f", {', '.join(counted)}" if counted else ""
    share = times[how > NONE].sum() / max(times.sum(), 1)
    return f"{n_known:,} of {n_used:,} values ({share:.1%} of all occurrences{more})"

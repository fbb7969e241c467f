"""Vectors that somebody else learnt, for the tokens of a corpus, and what the learners do with them."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from anomembed.errors import DataError, shown
from anomembed.read.vectors import TokenVectors
from anomembed.read.word_files import spell
from anomembed.represent.arrays import Matrix
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, Kind

Use = Literal["start", "frozen", "fine-tune"]

WORD = re.compile(r"[^\W_]+")
NONE, EXACT, SPELLING, WORDS = range(4)  # how a token came to its vector
SPELLED = (Kind.VALUE, Kind.TEMPLATE)
FEWEST = 3  # names before an equals sign that tell a column from a word that holds one
LINES = 12  # columns with a line each; of more, one line has all


@dataclass(frozen=True)
class Imported:
    """A vector for some of the tokens.

    Parameters
    ----------
    vectors : ndarray of shape (n_tokens, width)
        Float32; zero for tokens without one.
    known : ndarray of shape (n_tokens,)
        Which have one.
    use : str
        ``start``: they are where learning begins. ``frozen``: they do not move; the other tokens are learnt beside
        them. ``fine-tune``: they move, but are pulled back.
    strength : float
        Of the pull, in records: as much as this many records with the token would count.
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
        """How strongly a vector is held, in records; infinite when it is frozen."""
        return {"start": 0.0, "frozen": np.inf, "fine-tune": self.strength}[self.use]

    def hold(self, occurrences: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return how strongly every token is held, beside what one record with it counts; infinite when it is frozen.

        Parameters
        ----------
        occurrences : ndarray of shape (n_tokens,)
            Records with each token.
        """
        return np.where(self.known, self.pull / np.maximum(occurrences, 1), 0).astype(np.float32)


def match_vectors(given: TokenVectors, corpus: Corpus, use: Use, strength: float) -> Imported:
    """Find the vector of every token that occurs.

    By its exact name, ``column=token`` before the bare token; then by its spelling without case, accents and
    punctuation; then as the mean of its words' vectors. Bins of numbers, parts of a time and special tokens only by
    their exact name.

    Parameters
    ----------
    given : TokenVectors
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
        (column.name, label, column.kind in SPELLED and place >= FIRST_VALUE)
        for column in corpus.columns
        for place, label in enumerate(column.labels)
    ]
    vectors = np.zeros((len(labels), given.width), np.float32)
    how = np.zeros(len(labels), np.int64)
    used = np.flatnonzero(corpus.occurrences).tolist()
    for token in used:
        column, label, is_spelled = labels[token]
        how[token], places = names.find(column, label, is_spelled=is_spelled)
        if places:
            vectors[token] = given.vectors[places].mean(axis=0)
    how[~vectors.any(axis=1)] = NONE  # words may cancel out
    if not how.any():
        (column, label, _), mine = labels[used[0]], ", ".join(map(shown, given.names[:3]))
        raise DataError(
            f"no value has a vector in {given.source}: 0 of {len(used):,}; the names there are such as {mine}, "
            f"those looked for such as {shown(f'{column}={label}')} or {shown(label)}"
        )
    return Imported(vectors, how > NONE, use, strength, tuple(_coverage(given, corpus, how, use)))


class _Names:
    """Finds names, given the tokens of a table."""

    def __init__(self, names: Sequence[str]) -> None:
        self._exact = {name: place for place, name in enumerate(names)}
        self._plain: dict[str, int] = {}
        for place, name in enumerate(names):  # the first of those that are spelled alike: the most frequent, usually
            self._plain.setdefault(plain_spelling(name), place)

    def find(self, column: str, label: str, *, is_spelled: bool) -> tuple[int, list[int]]:
        """Return how a token came to its vector, and the places whose mean that is."""
        full = f"{column}={label}"
        bare = (label, spell(label)) if is_spelled else ()
        for name in (full, spell(full), *bare):
            if name in self._exact:
                return EXACT, [self._exact[name]]
        plain = plain_spelling(label) if is_spelled else ""
        if not any(map(str.isalpha, plain)):  # -1 is not 1
            return NONE, []
        for name in (f"{plain_spelling(column)} {plain}", plain):
            if name in self._plain:
                return SPELLING, [self._plain[name]]
        found = [self._plain[word] for word in plain.split() if word in self._plain]
        return (WORDS, found) if found else (NONE, [])


def plain_spelling(text: str) -> str:
    """Return the words of a text without case, accents and punctuation.

    Examples
    --------
    >>> plain_spelling("Café-Bar_Zürich, 2nd")
    'cafe bar zurich 2nd'
    """
    apart = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(WORD.findall("".join(letter for letter in apart if not unicodedata.combining(letter))))


def _coverage(given: TokenVectors, corpus: Corpus, how: NDArray[np.int64], use: Use) -> Iterable[str]:
    total = _share(corpus, how, 0, corpus.size)
    yield f"vectors of {given.source} ({len(given.names):,}, {given.width} wide), {use}: {total} have one"
    yield from (f"vectors: {note}" for note in given.notes)
    yield from _left_out(given, corpus)
    columns = [
        f"{column.name} {_share(corpus, how, low, high)}"
        for column, (low, high) in zip(corpus.columns, pairwise(corpus.offsets.tolist()), strict=True)
        if (how[low:high] != EXACT)[corpus.occurrences[low:high] > 0].any()  # of the others there is nothing to say
    ]
    yield from (f"vectors: {line}" for line in (columns if len(columns) <= LINES else ["; ".join(columns)]))


def _left_out(given: TokenVectors, corpus: Corpus) -> Iterable[str]:
    """Name columns that the vectors are of, but that are not judged by their values here."""
    known = {name for column in corpus.columns for name in (column.name, spell(column.name))}
    counts = Counter(name.split("=", 1)[0] for name in given.names if "=" in name)
    unknown = [(column, n) for column, n in counts.most_common() if column not in known and n >= FEWEST]
    for column, n in unknown[:LINES]:
        yield f"vectors: {n:,} are of {shown(column)}, no column of values here; --category may make it one"


def _share(corpus: Corpus, how: NDArray[np.int64], low: int, high: int) -> str:
    times, how = corpus.occurrences[low:high], how[low:high]
    n_used, n_known = int(np.count_nonzero(times)), int(np.count_nonzero(how))
    ways = {"by spelling": SPELLING, "by words": WORDS}
    counted = [f"{int((how == way).sum()):,} {name}" for name, way in ways.items() if (how == way).any()]
    more = f", {', '.join(counted)}" if counted else ""
    share = times[how > NONE].sum() / max(times.sum(), 1)
    return f"{n_known:,} of {n_used:,} values ({share:.1%} of all occurrences{more})"

"""Values that may be mistaken for a frequent one: ``micros0ft.com``, ``svch0st.exe``, a supplier with a letter swapped.

Each is one rare value among others. What sets it apart is a frequent value that it reads like: the same once signs that
look alike are folded into one (as the skeletons of Unicode's confusables [1]_), or but for one letter that is added,
left out, changed or swapped with its neighbour (Damerau [2]_). Digits in the place of digits number things, and make no
value look like another.

.. [1] Unicode Technical Standard 39: Unicode Security Mechanisms, section 4.
.. [2] Damerau: A technique for computer detection and correction of spelling errors. CACM 7, 1964. One half
   of the text stays the same.
"""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import polars as pl

from anomembed.represent.arrays import Floats

LEAST_TIMES = 20.0  # records that a value needs for another to be mistaken for it, and how much more often it is there
LEAST_LETTERS, LONGEST = 5, 80  # of a value that is looked at
LEAST_SIGNS = 4  # of a word that is read as another: `ram` and `iam` are told apart, in whatever long name
MOST_NAMES, MOST_VALUES = 20_000, 20_000  # frequent values, and others, that are compared
MOST_NEAR = 50  # frequent values with the same half that are compared, the most frequent first
SIZES = (-1, 0, 1)  # signs that one edit adds
PRIOR = 0.02  # values that are thought to look like another by chance, in any column
FEW = 3  # values of a column that look like a much more frequent one: they may be what is looked for
LOOKS = str.maketrans(
    "01345789@$|!іıаеорсухѕԁɡһјκνοραυιτѡ",
    "oleastbgaslliiaeopcyxsdghjkvopauitw",
)  # digits, and Cyrillic and Greek letters, as what they look like
DIGITS, NO_LETTER, BETWEEN = re.compile(r"\d+"), re.compile(r"[\W\d_]+"), re.compile(r"[\W_]")


class Confusables:
    """Frequent values, found by what looks like them.

    Parameters
    ----------
    names : sequence of str
        Frequent values, the most frequent first.
    seen : ndarray of shape (n_names,)
        Records with each.
    """

    def __init__(self, names: Sequence[str], seen: Floats) -> None:
        self._names, self._seen = names, seen
        self._folded = [fold(name) for name in names]
        self._halves: dict[tuple[int, bool, str], list[int]] = {}
        for at, folded in enumerate(self._folded):
            for half in _halves(folded, len(folded)):
                known = self._halves.setdefault(half, [])
                if len(known) < MOST_NEAR:
                    known.append(at)

    def times(self, texts: pl.Series, own: Floats) -> Floats:
        """Return how many records have the value that each text may be mistaken for, shape (n_texts,); 0 for none.

        Parameters
        ----------
        texts : pl.Series
            Values.
        own : ndarray of shape (n_texts,)
            Records with each: the other value must be `LEAST_TIMES` as frequent.
        """
        times = np.zeros(len(texts))
        rows = np.flatnonzero(own <= self._seen[0] / LEAST_TIMES)
        some = texts.cast(pl.String).gather(rows)
        found = {text: self.find(text) for text in some.drop_nulls().unique()}
        places = np.array([found.get(text, -1) for text in some], np.intp)
        seen = np.append(self._seen, 0.0)[places]
        times[rows] = np.where(seen >= LEAST_TIMES * np.maximum(own[rows], 1), seen, 0.0)
        return times

    def find(self, text: str) -> int:
        """Return which frequent value a text may be mistaken for, the most frequent first; -1 for none."""
        folded = fold(text)
        halves = [half for size in SIZES for half in _halves(folded, len(folded) + size)] if folded else []
        near = {at for half in halves for at in self._halves.get(half, ())}
        return min((at for at in near if self._is_mistaken(text, folded, at)), default=-1)

    def _is_mistaken(self, text: str, folded: str, at: int) -> bool:
        if not _is_near(folded, self._folded[at]) or _is_short(folded, self._folded[at]):
            return False
        name = self._names[at]
        return _plain(text) != _plain(name) and DIGITS.sub("", text) != DIGITS.sub("", name)


def learn_confusable(values: pl.Series, times: Floats) -> float:
    """Return how much evidence it is that a value of a column may be mistaken for a frequent one.

    Parameters
    ----------
    values : pl.Series
        Its values, the most frequent first.
    times : ndarray of shape (len(values),)
        Records with each.

    Returns
    -------
    float
        -log of the share of its values that look like a frequent one by chance, in nats; 0 without frequent values.
        Not by chance are a few that look like one that is `LEAST_TIMES` as frequent.
    """
    known = frequent(values, times)
    if known is None:
        return 0.0
    every = max(1, -(-len(values) // MOST_VALUES))
    own = times[::every]
    found = np.array([known.find(text) for text in values.gather_every(every)])
    seen = np.append(times, 0.0)[found]
    n_odd = int(((found >= 0) & (seen >= LEAST_TIMES * own)).sum())
    by_chance = int((found >= 0).sum()) - min(n_odd, FEW)
    return float(-np.log((by_chance + PRIOR) / (len(own) + 1)))


def frequent(values: pl.Series, times: Floats) -> Confusables | None:
    """Return the frequent values of a column; None where none has letters. See `learn_confusable`."""
    names = values.head(min(int((times >= LEAST_TIMES).sum()), MOST_NAMES)).to_list()
    return Confusables(names, times[: len(names)]) if any(map(fold, names)) else None


def fold(text: str) -> str:
    """Return a text with one sign for all that look alike; empty where it has few letters or many signs.

    Examples
    --------
    >>> fold("Micros0ft"), fold("rnicrosoft"), fold("EPAM")
    ('microsoft', 'microsoft', '')
    """
    if len(text) > LONGEST or len(NO_LETTER.sub("", text)) < LEAST_LETTERS:
        return ""
    plain = text.casefold()
    if not plain.isascii():
        plain = "".join(sign for sign in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(sign))
    return plain.translate(LOOKS).replace("rn", "m").replace("vv", "w").replace("cl", "d")


def _plain(text: str) -> str:
    """Return a text without case and blanks, which say nothing."""
    return "".join(text.casefold().split())


def _is_short(one: str, other: str) -> bool:
    """Tell whether two texts, one edit apart, differ in a single word, and that has few signs."""
    words, others = BETWEEN.split(one), BETWEEN.split(other)
    apart = [max(map(len, pair)) for pair in zip(words, others, strict=False) if pair[0] != pair[1]]
    return len(words) == len(others) and bool(apart) and max(apart) < LEAST_SIGNS


def _halves(folded: str, size: int) -> tuple[tuple[int, bool, str], ...]:
    """Return the halves of a text that one of so many signs, one edit away, would share: its begin or its end."""
    half = (size - 1) // 2  # between them is a sign, so that two signs that are swapped are not in both
    return ((size, False, folded[:half]), (size, True, folded[len(folded) - half :])) if folded else ()


def _is_near(one: str, other: str) -> bool:
    """Tell whether two texts differ in one sign at most, or in two that are swapped."""
    if abs(len(one) - len(other)) > 1:
        return False
    begin = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    one, other = one[begin:], other[begin:]
    if one[1:] == other[1:] or one[1:] == other or one == other[1:]:
        return True
    return one[2:] == other[2:] and one[:2] == other[1::-1]

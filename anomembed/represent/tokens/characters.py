"""How unusually a text is written: a part of it in which characters follow one another that seldom do in others.

A made-up domain, a command within a name, a path that leaves its folder: each is one new value among others, and no
rarer than a new customer. What sets it apart is how it is written. Every character has a surprise, given the one before
it, as in a language model of order one; the sum of what exceeds the usual one over a part of the text, the largest of
any part, tells a few unheard-of characters within a long text as well as a short text that is strange as a whole [1]_.
A pair that one value alone has counts as one that none has: values do not vouch for themselves.

.. [1] Kadane's maximum subarray, as in the local alignment of sequences (Karlin, Altschul: Methods for assessing the
   statistical significance of molecular sequence features. PNAS 87, 1990).
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats, Ints
from anomembed.represent.tokens.texts import MOST_BYTES, Bytes, buffers
from anomembed.workers.compiled import compiled

BYTES = 256
BEGIN, STOP = 1, 2  # in place of bytes: before the first character of a text, and behind the last
DIGIT = ord("0")  # stands for all digits: which one it is tells nothing
LEAST_VALUES, MOST_VALUES = 100, 20_000  # different texts that tell how texts are written, and those that are read
PRIOR = 10.0  # texts that a character's frequency counts for as what follows another
SLACK = 0.5  # nats by which a character must exceed the usual surprise to add to that of its part
CLASS = np.arange(BYTES, dtype=np.uint8)
CLASS[DIGIT : DIGIT + 10] = DIGIT


@dataclass(frozen=True)
class Characters:
    """Which characters follow which in the texts of a column.

    Parameters
    ----------
    codes : ndarray of shape (n_pairs,)
        Pairs of bytes that follow one another, as one number, ascending.
    times : ndarray of shape (n_pairs,)
        Texts with each pair.
    usual : float
        Mean surprise of a byte, in nats.
    known : ndarray of shape (n_texts,)
        Excess of the texts that were learnt from, ascending.
    """

    codes: NDArray[np.int32]
    times: Floats
    usual: float
    known: Floats

    @cached_property
    def surprise(self) -> NDArray[np.float32]:
        """Surprise of every byte after every other, in nats, shape (256, 256); high = seldom."""
        counts = np.zeros(BYTES * BYTES)
        counts[self.codes] = self.times
        times = counts.reshape(BYTES, BYTES)
        first, second = times.sum(axis=1, keepdims=True), times.sum(axis=0)
        share = (second + 0.5) / (second.sum() + 0.5 * BYTES)
        others, of_others = np.maximum(times - 1, 0), np.maximum(first - 1, 0)
        return np.asarray(-np.log((others + PRIOR * share) / (of_others + PRIOR)), np.float32)[CLASS][:, CLASS]

    def excess(self, texts: pl.Series) -> Floats:
        """Return the excess surprise of the most unusual part of each text, in nats, shape (n_texts,); 0 = none."""
        return self._walk(texts)[0]

    def part(self, text: str) -> str:
        """Return the most unusual part of a text, in whole words."""
        _, begins, ends = self._walk(pl.Series([text], dtype=pl.String))
        written = text.encode()
        begin = len(written[: begins[0]].decode(errors="ignore"))  # in characters: one that is cut counts for the part
        end = len(text) - len(written[ends[0] :].decode(errors="ignore"))
        while 0 < begin < end and text[begin - 1 : begin + 1].isalnum():
            begin -= 1
        while begin < end < len(text) and text[end - 1 : end + 1].isalnum():
            end += 1
        return text[begin:end]

    def _walk(self, texts: pl.Series) -> tuple[Floats, Ints, Ints]:
        data, offsets = buffers(texts)
        found = np.zeros(len(texts)), np.zeros(len(texts), np.int64), np.zeros(len(texts), np.int64)
        _find_parts.for_steps(len(data))(data, offsets, self.surprise, np.float32(self.usual + SLACK), *found)
        return found


def learn_characters(texts: pl.Series) -> Characters | None:
    """Learn how texts are written.

    Parameters
    ----------
    texts : pl.Series
        How they follow one another is learnt from the different ones, and how unusual a part they have from all: one
        that is there often is usual, however it is written.

    Returns
    -------
    Characters or None
        None of too few.
    """
    known = _some(texts.drop_nulls())
    texts = _some(texts.drop_nulls().unique(maintain_order=True))
    if len(texts) < LEAST_VALUES:
        return None
    times, in_all, last = np.zeros((3, BYTES * BYTES), np.int64)
    _count_pairs(*buffers(texts), times, in_all, last)
    codes = np.flatnonzero(times)
    plain = Characters(codes.astype(np.int32), times[codes].astype(np.float64), 0.0, np.empty(0))
    usual = replace(plain, usual=float(np.average(plain.surprise.ravel(), weights=in_all)))
    return replace(usual, known=np.sort(usual.excess(known)))


def _some(texts: pl.Series) -> pl.Series:
    """Return every so many of texts, all of few."""
    return texts.gather_every(max(1, -(-len(texts) // MOST_VALUES)))


@compiled()
def _count_pairs(data: Bytes, offsets: Ints, times: Ints, in_all: Ints, last: Ints) -> None:
    """Count the texts with each pair of bytes, and how often it is there; `last` is the last text with it, from 1."""
    for text in range(len(offsets) - 1):
        end = min(offsets[text + 1], offsets[text] + MOST_BYTES)
        before = BEGIN
        for at in range(offsets[text], end + 1):
            byte = int(CLASS[data[at]]) if at < end else STOP
            code = before * BYTES + byte
            in_all[code] += 1
            if last[code] <= text:
                last[code] = text + 1
                times[code] += 1
            before = byte


@compiled()
def _find_parts(
    data: Bytes,
    offsets: Ints,
    surprise: NDArray[np.float32],
    usual: float,
    best: Floats,
    begins: Ints,
    ends: Ints,
) -> None:
    """Find the part of each text with the largest excess, its begin and its end in bytes."""
    for text in range(len(offsets) - 1):
        first = offsets[text]
        end = min(offsets[text + 1], first + MOST_BYTES)
        if end == first:  # missing, or blank
            continue
        before, total, begin = BEGIN, 0.0, first
        for at in range(first, end + 1):
            byte = int(data[at]) if at < end else STOP
            total += surprise[before, byte] - usual
            if total <= 0:
                total, begin = 0.0, at + 1
            elif total > best[text]:
                best[text], begins[text], ends[text] = total, begin - first, min(at + 1, end) - first
            before = byte

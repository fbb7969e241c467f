"""Lines of text as tokens: words, punctuation marks, and variables such as addresses, paths, numbers and identifiers.

First every run of digits becomes one ``0``. A log of millions of lines then has few distinct lines, its *shapes*, and
everything slower is done on these.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

MOST_TOKENS = 120  # of a line; the rest is ignored
NOTHING = "\ue000"  # stands for an empty value; a private-use character
VARIABLE = "<*>"

_WORD = r"[\w$@%+]+(?:[.\-][\w$@%+]+)*"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? +"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_CLOCK = r"0:0:0(?:[.,]0)?(?: ?(?:Z|UTC|GMT|[+\-]0(?::0)?)\b)?"
_TIMES = (
    rf"0[\-/.]0[\-/.]0[T \-]+(?:{_CLOCK}|0\.0\.0(?:\.0)?)",
    rf"(?:{_DAY})?{_MONTH} +0,? +{_CLOCK}(?: 0\b)?",
    rf"0[ /]{_MONTH}[ /]0[ :]{_CLOCK}",
)
_ADDRESSES = r"(?:[0-9a-fA-F]{1,4}:){4,15}[0-9a-fA-F]{1,4}", r"[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*::(?:[0-9a-f]{1,4}:?)*"
_SEGMENT = r"[/\\]+[\w.\-+@~$%*#]+"
# The first alternative that matches wins, and each is greedy; this dialect has no lookahead.
_TOKEN = (
    rf"\s*(?:{NOTHING}|",
    r"[A-Za-z][A-Za-z0+.\-]*://[^\s\"'<>\[\](){},;]+|",
    "".join(f"{time}|" for time in _TIMES),
    "".join(f"{address}|" for address in _ADDRESSES),
    rf"{_CLOCK}|",
    r"/0\.0\.0\.0|",
    rf"(?:\.\.?|~|\b[A-Za-z]:)?(?:{_SEGMENT})+[/\\]?|{_WORD}(?:{_SEGMENT}){{2,}}[/\\]?|",
    r"(?:pts|tty|vty)/0\b|",  # a terminal, and no word with a path behind it
    rf"[-+]?0(?:,0)+(?:\.0)?|[-+]?{_WORD}|",
    r"[^\w\s])",
)
TOKEN = "".join(_TOKEN)
KINDS = {
    "url": r"^[A-Za-z][A-Za-z0+.\-]*://.+$",
    "time": rf"^(?:{'|'.join(_TIMES)}|{_CLOCK}|0-0-0)$",
    "ip": rf"^(?:/?0\.0\.0\.0|{'|'.join(_ADDRESSES)})$",
    "path": r"^.*[/\\].+$",
    "email": r"^[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+$",
    "num": r"^[-+]?0(?:[.,]0)*(?:e[-+]?0)?(?:ms|us|ns|s|m|h|d|%|[KMGT]i?B?|B)?$",
    "hex": r"^(?:0x[0a-fA-F]+|[0a-fA-F]*0[0a-fA-F]*)$",
    "id": r"^.*0.*$",
}
_UNITS = r"^(?:(?:[KMGTP]i?)?B|bytes?|[mun]?s|msecs?|secs?|seconds?|milliseconds|minutes?)$"
# An empty value counts as a value: after a name, or in brackets that are not a call.
_EMPTY = r"([\s=:,][(\[]\s*)([)\]])", "${1}" + NOTHING + "${2}"
_NO_VALUE = r"(\w=)(\s|[,;)\]}]|$)", "${1}" + NOTHING + "${2}"


@dataclass(frozen=True)
class Tokenised:
    """The tokens of some shapes, one after the other.

    Parameters
    ----------
    words : pl.Series
        Distinct tokens, without the white space before them; the first is `VARIABLE`.
    ids : ndarray of shape (n_tokens,)
        Index of each token in `words`.
    kinds : pl.Series
        Name of each token in a template: its kind, such as ``<ip>``, or the token itself.
    gaps : ndarray of shape (n_tokens,)
        Whether white space precedes it.
    begins, sizes : ndarray of shape (n_tokens,)
        Where it begins in its shape and how long it is, in bytes.
    lengths : ndarray of shape (n_shapes,)
        Tokens of each shape.
    """

    words: pl.Series
    ids: NDArray[np.int64]
    kinds: pl.Series
    gaps: NDArray[np.bool_]
    begins: NDArray[np.int64]
    sizes: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @property
    def starts(self) -> NDArray[np.int64]:
        """Index of the first token of each shape, and the number of tokens at the end."""
        return np.concatenate([[0], np.cumsum(self.lengths)])


def tokenise(lines: pl.Series) -> Tokenised:
    """Cut shapes into tokens; variables become `VARIABLE`, and several in a row become one.

    Parameters
    ----------
    lines : pl.Series
        Shapes, without null.

    Returns
    -------
    Tokenised
    """
    lines = lines.str.replace_all(*_EMPTY).str.replace_all(*_NO_VALUE)
    lists = lines.str.extract_all(TOKEN).list.head(MOST_TOKENS)
    lengths = lists.list.len().to_numpy().astype(np.int64)
    spaced = lists.explode().drop_nulls() if len(lines) else pl.Series([], dtype=pl.String)
    flat = spaced.str.strip_chars_start()
    kinds = _kinds(flat)
    is_variable = (kinds != flat).to_numpy()
    line = np.repeat(np.arange(len(lines)), lengths)
    size = np.where((flat == NOTHING).to_numpy(), 0, _n_bytes(flat))
    ends = np.cumsum(_n_bytes(spaced) - _n_bytes(flat) + size)
    before = np.concatenate([[0], ends])[np.concatenate([[0], np.cumsum(lengths)])[:-1]]
    follows = np.concatenate([[False], is_variable[:-1] & (line[1:] == line[:-1])]) if len(flat) else is_variable
    is_unit = follows & flat.str.contains(_UNITS).to_numpy()
    kept = ~(follows & is_variable) & ~is_unit
    words = pl.concat([pl.Series([VARIABLE]), flat.filter(~is_variable & kept).unique().sort()])
    ids = flat.replace_strict(words, pl.int_range(len(words), eager=True), default=0, return_dtype=pl.Int64)
    return Tokenised(
        words=words,
        ids=np.where(is_variable, 0, ids.to_numpy())[kept],
        kinds=kinds.filter(kept),
        gaps=(_n_bytes(spaced) > _n_bytes(flat))[kept],
        begins=(ends - size - before[line])[kept],
        sizes=size[kept],
        lengths=np.bincount(line[kept], minlength=len(lines)),
    )


def _n_bytes(tokens: pl.Series) -> NDArray[np.int64]:
    return tokens.str.len_bytes().to_numpy().astype(np.int64)


def _kinds(tokens: pl.Series) -> pl.Series:
    """Return the kind of each token, such as ``<ip>``; the token itself when it is a word or a mark."""
    distinct = tokens.unique()
    named = pl.when(distinct == NOTHING).then(pl.lit("")).otherwise(distinct)
    for kind, pattern in reversed(KINDS.items()):
        named = pl.when(distinct.str.contains(pattern)).then(pl.lit(f"<{kind}>")).otherwise(named)
    kinds = pl.select(named).to_series()
    return tokens.replace_strict(distinct, kinds, return_dtype=pl.String)

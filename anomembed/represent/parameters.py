"""What stands in the places of templates: a message's first address, path, identifier, and word that varies.

A shape says in which piece of a line, between spaces, a parameter stands; spaces are where they are in the line itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.represent.masking import Tokenised

PARAMETERS = {
    "ip": r"([0-9]{1,3}(?:\.[0-9]{1,3}){3}|(?:[0-9a-fA-F]{0,4}:){2,}[0-9a-fA-F]*)",
    "path": r"((?:[A-Za-z]:|[\w.~\-]*)(?:[/\\]+[\w.\-+@~$%*#]+)+[/\\]?)",
    "id": r"^([-+]?[\w$@%+]+(?:[.\-][\w$@%+]+)*)",
    "word": r"^([-+]?[\w$@%+]+(?:[.\-][\w$@%+]+)*|[^\s,;:\"'()\[\]{}<>=]+)",
}
"""Kinds of parameters, and how the text of one is found in its piece of the line."""

IDENTIFIERS = ("<id>", "<hex>", "<email>")
NOWHERE = -1


@dataclass(frozen=True)
class Places:
    """Where the parameters of shapes stand.

    Parameters
    ----------
    piece : dict of str to ndarray of shape (n_shapes,)
        For every kind of parameter, the piece of the line, counted in spaces; `NOWHERE` when there is none.
    before : dict of str to pl.Series
        What stands before the parameter in its piece.
    """

    piece: dict[str, NDArray[np.int64]]
    before: dict[str, pl.Series]

    def cut(self, texts: pl.Series, shape: NDArray[np.int64], kinds: Sequence[str]) -> pl.DataFrame:
        """Cut the parameters out of messages.

        Parameters
        ----------
        texts : pl.Series
            Messages.
        shape : ndarray of shape (n_texts,)
            Place of the shape of each; -1 when it is null.
        kinds : sequence of str
            Which of `PARAMETERS` to cut out.

        Returns
        -------
        pl.DataFrame
            A column of text for each of `kinds`; null where there is no such parameter.
        """
        pieces = texts.str.split(" ")
        columns = {}
        for kind in kinds:
            place = np.append(self.piece[kind], NOWHERE)[shape]
            rows = np.flatnonzero(place != NOWHERE)
            found = pl.DataFrame(
                {
                    "piece": pieces.gather(rows).list.get(pl.Series(place[rows]), null_on_oob=True),
                    "before": self.before[kind].gather(shape[rows]),
                },
                schema_overrides={"piece": pl.String, "before": pl.String},
            )
            value = found.select(pl.col("piece").str.strip_prefix(pl.col("before")).str.extract(PARAMETERS[kind])).to_series()
            columns[kind] = pl.Series(kind, [None], dtype=pl.String).new_from_index(0, len(texts)).scatter(rows, value)
        return pl.DataFrame(columns)


def find_places(
    shapes: pl.Series, tokens: Tokenised, codes: NDArray[np.int32], open_places: NDArray[np.int64]
) -> Places:
    """Find where the parameters of shapes stand.

    Parameters
    ----------
    shapes : pl.Series
        Distinct shapes.
    tokens : Tokenised
        Their tokens.
    codes : ndarray of shape (n_shapes,)
        Their templates; -1 for none.
    open_places : ndarray of shape (n_templates + 1,)
        Token of every template that is a word or a variable, its first one; -1 for none, as at the end.

    Returns
    -------
    Places
    """
    starts = tokens.starts
    line = np.repeat(np.arange(len(shapes)), tokens.lengths)
    first = {kind: _first(line, (tokens.kinds == f"<{kind}>").to_numpy(), len(shapes)) for kind in ("ip", "path")}
    opened = open_places[codes]
    first["word"] = np.where(opened >= 0, starts[:-1] + opened, NOWHERE)
    is_identifier = tokens.kinds.is_in(IDENTIFIERS).to_numpy().copy()
    is_identifier[first["word"][first["word"] >= 0]] = False  # it is called a word already
    first["id"] = _first(line, is_identifier, len(shapes))
    piece, before = {}, {}
    for kind, token in first.items():
        at = np.append(tokens.offsets, 0)[token]
        left = pl.DataFrame({"shape": tokens.lines, "at": at}).select(pl.col("shape").str.slice(0, pl.col("at")))
        piece[kind] = np.where(token >= 0, left.to_series().str.count_matches(" ", literal=True).to_numpy(), NOWHERE)
        before[kind] = left.to_series().str.extract(r"([^ ]*)$")
    return Places(piece, before)


def _first(line: NDArray[np.intp], is_wanted: NDArray[np.bool_], n_lines: int) -> NDArray[np.int64]:
    """Return the first wanted token of every line, `NOWHERE` when it has none."""
    first = np.full(n_lines, NOWHERE)
    wanted = np.flatnonzero(is_wanted)[::-1]
    first[line[wanted]] = wanted
    return first

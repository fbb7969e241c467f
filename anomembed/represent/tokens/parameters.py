"""What stands in the places of templates: a message's first address, path, identifier, and word that varies."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.represent.arrays import Ints
from anomembed.represent.tokens.masking import Tokenised
from anomembed.represent.tokens.shapes import cut_out

PARAMETERS = ("ip", "path", "id", "word")
IDENTIFIERS = ("<id>", "<hex>", "<email>")
NOWHERE = -1


@dataclass(frozen=True)
class Places:
    """Where the parameters of shapes stand.

    Parameters
    ----------
    begins, sizes : dict of str to ndarray of shape (n_shapes + 1,)
        For every kind of parameter, its place in the shape, in bytes; no size where there is none, as at the end.
    """

    begins: dict[str, Ints]
    sizes: dict[str, Ints]

    def cut(self, texts: pl.Series, shape: Ints, kinds: Sequence[str]) -> pl.DataFrame:
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
        found = {kind: cut_out(texts, self.begins[kind][shape], self.sizes[kind][shape]) for kind in kinds}
        if "ip" in found:
            found["ip"] = found["ip"].str.strip_chars_start("/")
        return pl.DataFrame(found)


def find_places(tokens: Tokenised, codes: NDArray[np.int32], open_places: Ints) -> Places:
    """Find where the parameters of shapes stand.

    Parameters
    ----------
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
    n_shapes = len(codes)
    line = np.repeat(np.arange(n_shapes), tokens.lengths)
    first = {kind: _first(line, (tokens.kinds == f"<{kind}>").to_numpy(), n_shapes) for kind in ("ip", "path")}
    opened = open_places[codes]
    first["word"] = np.where(opened >= 0, tokens.starts[:-1] + opened, NOWHERE)
    is_identifier = tokens.kinds.is_in(IDENTIFIERS).to_numpy().copy()
    is_identifier[first["word"][first["word"] >= 0]] = False  # it is called a word already
    first["id"] = _first(line, is_identifier, n_shapes)
    nowhere = {kind: np.append(token, NOWHERE) for kind, token in first.items()}
    return Places(
        begins={kind: np.append(tokens.begins, 0)[token] for kind, token in nowhere.items()},
        sizes={kind: np.append(tokens.sizes, 0)[token] for kind, token in nowhere.items()},
    )


def _first(line: NDArray[np.intp], is_wanted: NDArray[np.bool_], n_lines: int) -> Ints:
    """Return the first wanted token of every line, `NOWHERE` when it has none."""
    first = np.full(n_lines, NOWHERE)
    wanted = np.flatnonzero(is_wanted)[::-1]
    first[line[wanted]] = wanted
    return first

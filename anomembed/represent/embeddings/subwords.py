"""Vectors of pieces of spellings, from which the vector of a value never seen can be composed."""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

SHORTEST_PIECE, LONGEST_PIECE = 3, 5  # characters of a piece
MOST_PIECES = 64  # of one value


def hash_pieces(column: str, value: str) -> NDArray[np.int64]:
    """Hash the pieces of a value, its runs of three to five characters; each column has its own hashes.

    Parameters
    ----------
    column : str
        Name of the tokens.
    value : str
        The value; upper and lower case are the same.

    Returns
    -------
    ndarray of shape (n_pieces,)
        Distinct 32-bit hashes, ascending. Of a long value the smallest are kept, so that similar values keep the same
        ones.

    Examples
    --------
    >>> shared = set(hash_pieces("shop", "Acme Ltd")) & set(hash_pieces("shop", "ACME Ltd."))
    >>> len(shared) > 10
    True
    """
    text = f"<{value.casefold()}>"
    pieces = {
        text[i : i + size] for size in range(SHORTEST_PIECE, LONGEST_PIECE + 1) for i in range(len(text) - size + 1)
    }
    start = crc32(column.encode())
    hashes = {crc32(piece.encode(errors="replace"), start) for piece in pieces or {text}}
    return np.array(sorted(hashes)[:MOST_PIECES], np.int64)


@dataclass(frozen=True)
class Subwords:
    """Vectors of pieces of spellings.

    Parameters
    ----------
    hashes : ndarray of shape (n_pieces,)
        Ascending; the piece of each vector.
    vectors : ndarray of shape (n_pieces, width)
        Float32.
    columns : tuple of str
        Columns whose values have pieces.
    """

    hashes: NDArray[np.int64]
    vectors: NDArray[np.float32]
    columns: tuple[str, ...]

    def compose(self, column: str, values: Sequence[str]) -> NDArray[np.float32]:
        """Compose the vectors of values, whether seen before or not.

        Parameters
        ----------
        column : str
            Name of the tokens.
        values : sequence of str
            Values.

        Returns
        -------
        ndarray of shape (len(values), width)
            The mean vector of the pieces that the reference has; zero when it has none.
        """
        composed = np.zeros((len(values), self.vectors.shape[1]), np.float32)
        for row, value in zip(composed, values, strict=True):
            wanted = hash_pieces(column, value)
            index = np.minimum(np.searchsorted(self.hashes, wanted), len(self.hashes) - 1)
            known = index[self.hashes[index] == wanted] if len(self.hashes) else index[:0]
            if column in self.columns and len(known):
                row[:] = self.vectors[known].mean(axis=0)
        return composed

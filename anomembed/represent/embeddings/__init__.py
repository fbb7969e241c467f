"""Learn a vector for every token: functions with one signature, `Corpus` -> `Embeddings`.

`anomembed.represent.learners` lists them, a row each; `fitting` calls the one that the settings name.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.embeddings.neural.networks import Network
from anomembed.represent.embeddings.subwords import Subwords


@dataclass(frozen=True)
class Embeddings:
    """Two vectors for every token: products of one with the other estimate how strongly two tokens are associated.

    Parameters
    ----------
    vectors : ndarray of shape (n_tokens, width)
        Float32; a token that never occurred has the zero vector.
    contexts : ndarray of shape (n_tokens, width)
        Float32, the output vectors: ``vectors[a] @ contexts[b]`` is high when `a` and `b` often occur together.
    explained : float
        Share of the association between tokens that the vectors reproduce, from 0 to 1.
    method : str
        Name of the learner.
    losses : tuple of float
        Mean loss of every epoch; empty when there are no epochs.
    subwords : Subwords or None
        Composes the vectors of values that the reference does not have; None unless learnt.
    notes : tuple of str
        For the user, such as how many tokens have an imported vector.
    network : Network or None
        The neural network whose first layer the vectors are; None for other learners.
    """

    vectors: NDArray[np.float32]
    contexts: NDArray[np.float32]
    explained: float
    method: str
    losses: tuple[float, ...] = ()
    subwords: Subwords | None = None
    notes: tuple[str, ...] = ()
    network: Network | None = None

    @property
    def width(self) -> int:
        """Numbers per vector."""
        return int(self.vectors.shape[1])

"""The learner `ppmi-svd`: factorise the association of tokens, tied to imported vectors where there are any."""

import numpy as np

from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.anchoring import fit_anchored
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.epochs import Progress, Training
from anomembed.represent.embeddings.finishing import finish
from anomembed.represent.embeddings.ppmi_svd import fit_ppmi_svd


def fit_factorisation(corpus: Corpus, training: Training, seed: int, _progress: Progress | None = None) -> Embeddings:
    """Learn embeddings from pair counts; the arguments are those of `Fit`."""
    if training.imported is None:
        return fit_ppmi_svd(corpus.counts, training.width, seed)
    vectors = fit_anchored(corpus.counts, training.imported, seed)
    return finish("ppmi-svd", corpus, vectors.astype(np.float32), None)

"""How good are the embeddings of a table? Learn them twice, and measure them on records held out."""

from dataclasses import dataclass
from statistics import fmean

import numpy as np

from anomembed.config import Config
from anomembed.errors import DataError
from anomembed.evaluate.grouping import Grouping
from anomembed.read.vectors import read_wanted_vectors
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import SplitCorpus
from anomembed.represent.embeddings.fitting import fit_embeddings
from anomembed.represent.quality.neighbours import Agreement, compare_groups, compare_neighbours
from anomembed.represent.quality.prediction import Prediction, predict_left_out

MEANT = ("top_1", "top_5", "reciprocal_rank", "log_loss", "marginal_top_1", "marginal_log_loss", "coverage")


@dataclass(frozen=True)
class Quality:
    """Measures of embeddings.

    Parameters
    ----------
    predictions : tuple of Prediction
        Per column: how well its values, left out one by one, are predicted from the others.
    stability : Agreement
        Nearest neighbours that stay the same with the next seed.
    grouping : Agreement or None
        Nearest neighbours in the same group; None without a grouping.
    """

    predictions: tuple[Prediction, ...]
    stability: Agreement
    grouping: Agreement | None

    def means(self) -> dict[str, float]:
        """Return means over the columns with predictions, NaN when there are none; of coverage, over all columns."""
        predicted = [p for p in self.predictions if p.n_predicted]
        means = {name: fmean(getattr(p, name) for p in predicted) if predicted else float("nan") for name in MEANT}
        return {**means, "coverage": fmean(p.coverage for p in self.predictions)}


def check_corpus(split: SplitCorpus) -> None:
    """Refuse a corpus in which nothing occurs with anything else, so that there is nothing to predict.

    Raises
    ------
    DataError
        When there is only one column or one value, or every sequence has one event.
    """
    corpus = split.corpus
    if corpus.n_used < 2:
        raise DataError("there is only one value: nothing to evaluate")
    if not corpus.is_ordered and len(corpus.columns) < 2:
        raise DataError(f"{corpus.columns[0].name} is the only column judged: embeddings need at least two")
    if corpus.is_ordered and corpus.sequences.lengths.max() < 2:
        raise DataError("every sequence has one event: embeddings need events that occur together")


def measure_quality(
    embeddings: Embeddings, again: Embeddings, split: SplitCorpus, grouping: Grouping | None
) -> Quality:
    """Measure embeddings.

    Parameters
    ----------
    embeddings, again : Embeddings
        Learnt from `split.corpus` with two seeds; the first are measured.
    split : SplitCorpus
        The corpus, and the records held out.
    grouping : Grouping or None
        A grouping that nearest neighbours should reproduce.
    """
    used = np.flatnonzero(split.corpus.occurrences)
    grouped = compare_groups(embeddings.vectors[grouping.tokens], grouping.groups) if grouping else None
    stability = compare_neighbours(embeddings.vectors[used], again.vectors[used])
    return Quality(tuple(predict_left_out(embeddings, split)), stability, grouped)


def learn_twice(split: SplitCorpus, config: Config) -> tuple[Embeddings, Embeddings]:
    """Learn embeddings with the configured seed and with the next one."""
    settings, vectors = config.embedding, read_wanted_vectors(config.embedding.vectors)
    first, again = (fit_embeddings(split.corpus, settings, config.seed + step, vectors=vectors) for step in range(2))
    return first, again

"""Leave one out: predict a value from the others of its record, or an event from those around it.

The association of a value with a context is the product of its output vector with the sum of the context's vectors. The
chance of a value is its share of the reference times the exponential of that association, scaled by one factor per
column: products of different learners have different scales, and redundant columns add up to more than they know. The
factor is chosen on one half of the held-out records and used on the other, both ways round. The share of the reference
is mixed in with the weight of one record, so that no chance is zero.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import digamma, log_softmax

from anomembed.represent.arrays import Floats, Ints
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus, SplitCorpus
from anomembed.represent.sequences import NEAR, Sequences

MOST_PREDICTED = 2_000  # values left out per column: shares are then known to about .01
FEWEST_PREDICTED, MOST_CELLS = 100, 4_000_000  # fewer in columns with many values: records times values
SHARPEST = 50.0
FIVE = 5


@dataclass(frozen=True)
class Prediction:
    """How well the values of a column are predicted by their context.

    Parameters
    ----------
    column : str
        The column.
    n_values : int
        Values that the reference has.
    n_predicted : int
        Held-out values that were predicted.
    coverage : float
        Share of the held-out values that are in the vocabulary; only these are predicted.
    top_1, top_5 : float
        Share of them that are the likeliest value, or among the five likeliest; ties count by expectation.
    reciprocal_rank : float
        Mean of one over the rank, from 0 to 1.
    log_loss : float
        Mean of -log chance of the true value, in nats; low = well predicted.
    marginal_top_1, marginal_log_loss : float
        The same when only the frequency of every value is known.
    """

    column: str
    n_values: int
    n_predicted: int
    coverage: float
    top_1: float
    top_5: float
    reciprocal_rank: float
    log_loss: float
    marginal_top_1: float
    marginal_log_loss: float


def predict_left_out(embeddings: Embeddings, split: SplitCorpus) -> list[Prediction]:
    """Predict every column of held-out records from the others; of sequences, an event from those around it.

    Parameters
    ----------
    embeddings : Embeddings
        Learnt from `split.corpus`.
    split : SplitCorpus
        The corpus, and what was held out.

    Returns
    -------
    list of Prediction
        One per column; figures are NaN where no held-out value is in the vocabulary.
    """
    corpus, held_out = split.corpus, split.held_out[:MOST_PREDICTED]
    context = sum_context(embeddings.vectors, held_out, is_ordered=corpus.is_ordered)
    return [_predict_column(embeddings, corpus, held_out, context, column) for column in range(len(corpus.columns))]


def sum_context(vectors: NDArray[np.float32], sequences: Sequences, *, is_ordered: bool) -> Floats:
    """Return the sum of the vectors of every event's context: the events near it, or all others of its record.

    Parameters
    ----------
    vectors : ndarray of shape (n_tokens, width)
        Of the tokens.
    sequences : Sequences
        Records or sequences.
    is_ordered : bool
        True when only near events are context.

    Returns
    -------
    ndarray of shape (n_events, width)
    """
    own = vectors[sequences.events].astype(np.float64)
    if not is_ordered:
        return np.asarray(np.add.reduceat(own, sequences.starts[:-1])[sequences.of_event] - own)
    context = np.zeros_like(own)
    for apart in range(1, NEAR + 1):
        same = sequences.positions[apart:] >= apart
        context[apart:][same] += own[:-apart][same]
        context[:-apart][same] += own[apart:][same]
    return context


def _predict_column(
    embeddings: Embeddings, corpus: Corpus, held_out: Sequences, context: Floats, column: int
) -> Prediction:
    low, high = corpus.offsets[column : column + 2].tolist()
    values = low + np.flatnonzero(corpus.occurrences[low:high])
    of_column = np.flatnonzero((held_out.events >= low) & (held_out.events < high))
    is_known = np.isin(held_out.events[of_column], values)
    known = _spread(of_column[is_known], max(FEWEST_PREDICTED, MOST_CELLS // max(len(values), 1)))
    truth = np.searchsorted(values, held_out.events[known])
    share = np.log(corpus.occurrences[values] / corpus.occurrences[values].sum())
    association = context[known] @ embeddings.contexts[values].T.astype(np.float64)
    figures = _figures(association, share, truth) if len(known) else (float("nan"),) * 6
    return Prediction(
        corpus.columns[column].name, len(values), len(known), float(is_known.mean() if len(of_column) else 0), *figures
    )


def _spread(events: Ints, most: int) -> Ints:
    """Take at most so many, evenly spaced."""
    most = min(most, MOST_PREDICTED)
    return events if len(events) <= most else events[np.linspace(0, len(events) - 1, most).astype(np.int64)]


def _figures(association: Floats, share: Floats, truth: Ints) -> tuple[float, ...]:
    half = np.arange(len(truth)) % 2
    logs = np.empty_like(association)
    for part in range(2):
        other = half != part
        sharp = _sharpness(association[other], share, truth[other])
        logs[half == part] = _log_chances(sharp, association[half == part], share, int(other.sum()))
    marginal = np.broadcast_to(share, association.shape)
    top_1, top_5, reciprocal = rank_figures(logs, truth)
    loss, usual = (float(-table[np.arange(len(truth)), truth].mean()) for table in (logs, marginal))
    return top_1, top_5, reciprocal, loss, rank_figures(marginal, truth)[0], usual


def _log_chances(sharp: float, association: Floats, share: Floats, n_seen: int) -> Floats:
    """Return the log chance of every value: mostly from its context, a little from its share."""
    little = 1 / (n_seen + 2)
    predicted = log_softmax(share + sharp * association, axis=1)
    return np.asarray(np.logaddexp(predicted + np.log1p(-little), share + np.log(little)))


def _sharpness(association: Floats, share: Floats, truth: Ints) -> float:
    """Return the factor of the association that makes the true values likeliest; 0 = it does not help."""
    if not len(truth):
        return 1.0
    own = np.arange(len(truth)), truth

    def loss(sharp: float) -> float:
        return float(-_log_chances(sharp, association, share, len(truth))[own].mean())

    found = minimize_scalar(loss, bounds=(0, SHARPEST), method="bounded", options={"xatol": 0.01, "maxiter": 30})
    return float(found.x) if found.fun < loss(0.0) else 0.0


def rank_figures(scores: Floats, truth: Ints) -> tuple[float, float, float]:
    """Return how high the true values rank; ties count as in a random order, on average.

    Parameters
    ----------
    scores : ndarray of shape (n, n_values)
        High = likely.
    truth : ndarray of shape (n,)
        Index of the true value.

    Returns
    -------
    top_1, top_5, reciprocal_rank : float

    Examples
    --------
    >>> rank_figures(np.array([[3.0, 2.0, 1.0], [0.0, 5.0, 9.0]]), np.array([0, 1]))
    (0.5, 1.0, 0.75)
    """
    own = scores[np.arange(len(truth)), truth][:, None]
    above = (scores > own).sum(axis=1)
    equal = (scores == own).sum(axis=1)
    top_1, top_5 = (float(np.clip((most - above) / equal, 0, 1).mean()) for most in (1, FIVE))
    reciprocal = (digamma(above + equal + 1.0) - digamma(above + 1.0)) / equal
    return top_1, top_5, float(reciprocal.mean())

"""Where do a number's values usually lie, alone and given a category? For the words of a reason."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.tokens import Kind, Vocabulary
from anomembed.represent.views import Batch

USUAL = (0.025, 0.975)  # nineteen in twenty
MIN_GROUP = 20  # records that a token's range is learnt from at least


@dataclass(frozen=True)
class Ranges:
    """Usual ranges of the numbers.

    Parameters
    ----------
    overall : ndarray of shape (n_numbers, 2)
        2.5 % and 97.5 % quantiles over the reference.
    context : ndarray of shape (n_numbers,)
        Token column whose values tell most about the number; -1 when none does.
    of_token : ndarray of shape (n_numbers, n_tokens, 2)
        The quantiles among records with a token of the context column; NaN where there are too few.
    """

    overall: NDArray[np.float64]
    context: NDArray[np.int64]
    of_token: NDArray[np.float64]


def fit_ranges(batch: Batch, vocabulary: Vocabulary) -> Ranges:
    """Learn usual ranges from reference records.

    Parameters
    ----------
    batch : Batch
        Reference records.
    vocabulary : Vocabulary
        Says which token columns are categories.

    Returns
    -------
    Ranges
    """
    n_numbers = batch.numbers.shape[1]
    overall = np.full((n_numbers, 2), np.nan)
    context = np.full(n_numbers, -1)
    of_token = np.full((n_numbers, vocabulary.size, 2), np.nan)
    candidates = [place for place, column in enumerate(vocabulary.columns) if column.kind is Kind.VALUE]
    for number in range(n_numbers):
        values = batch.numbers[:, number]
        known = np.isfinite(values)
        if not known.any():
            continue
        overall[number] = np.quantile(values[known], USUAL)
        ranks = np.argsort(np.argsort(values[known], kind="stable"), kind="stable").astype(np.float64)
        told = [_explained(ranks, batch.tokens[known, place], vocabulary.size) for place in candidates]
        if told and max(told) > 0:
            context[number] = candidates[int(np.argmax(told))]
            _fill_group_ranges(of_token[number], values[known], batch.tokens[known, context[number]])
    return Ranges(overall, context, of_token)


def _explained(ranks: NDArray[np.float64], tokens: NDArray[np.int32], size: int) -> float:
    """Share of the ranks' variance that the tokens explain, less what as many random groups would (adjusted R2)."""
    times = np.bincount(tokens, minlength=size)
    means = np.bincount(tokens, ranks, minlength=size) / np.maximum(times, 1)
    n_groups = int((times > 0).sum())
    total = float(((ranks - ranks.mean()) ** 2).sum())
    within = float(((ranks - means[tokens]) ** 2).sum())
    n = len(ranks)
    if total <= 0 or n <= n_groups:
        return 0.0
    return 1.0 - (within / (n - n_groups)) / (total / (n - 1))


def _fill_group_ranges(ranges: NDArray[np.float64], values: NDArray[np.float64], tokens: NDArray[np.int32]) -> None:
    order = np.lexsort((values, tokens))
    found, starts, times = np.unique(tokens[order], return_index=True, return_counts=True)
    enough = times >= MIN_GROUP
    for end, share in enumerate(USUAL):
        places = starts[enough] + np.round(share * (times[enough] - 1)).astype(np.intp)
        ranges[found[enough], end] = values[order][places]

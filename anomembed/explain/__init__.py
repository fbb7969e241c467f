"""Why was a record flagged? Each column's contribution to its score, and a reason in words."""

import polars as pl

from anomembed.explain.flags import Flags, add_unexplained
from anomembed.explain.records import explain_records
from anomembed.explain.sequences import explain_sequences
from anomembed.model import Model

MOST_EXPLAINED = 2_000  # flags


def explain(model: Model, flagged: pl.DataFrame) -> Flags:
    """Explain flagged records or sequences; beyond `MOST_EXPLAINED`, only the most abnormal.

    Parameters
    ----------
    model : Model
        The model that scored them.
    flagged : pl.DataFrame
        Rows as `anomembed.scoring.score_batches` yields them, most abnormal first.

    Returns
    -------
    Flags
    """
    explain_all = explain_sequences if model.is_sequential else explain_records
    if flagged.height <= MOST_EXPLAINED:
        return explain_all(model, flagged)
    return add_unexplained(model, explain_all(model, flagged[:MOST_EXPLAINED]), flagged[MOST_EXPLAINED:])

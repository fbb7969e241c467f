"""Flagged records with their reasons: what becomes of them after scoring."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from anomembed.model import Model
from anomembed.read.table import VALUES
from anomembed.views import words
from anomembed.views.reason import Reason

CONTRIBUTIONS: dict[str, Any] = {
    "rank": pl.Int64,
    "view": pl.String,
    "column_name": pl.String,
    "value": pl.String,
    "contribution": pl.Float64,
    "expected": pl.List(pl.String),
}


@dataclass(frozen=True)
class Flags:
    """Flagged records and their reasons.

    Parameters
    ----------
    frame : pl.DataFrame
        Key columns, ``rank`` (from 1), ``raw_score``, ``tail_probability``, ``extrapolated``, ``view``, ``reason``.
    contributions : pl.DataFrame
        ``rank``, ``view``, ``column_name``, ``value``, ``contribution`` (nats; a record's sum to its raw score),
        ``expected``. Columns that contribute nothing to a view are left out.
    reasons : tuple of Reason
        The reasons before they were put into words, of the records that were explained; most abnormal first.
    """

    frame: pl.DataFrame
    contributions: pl.DataFrame
    reasons: tuple[Reason, ...]


def make_flags(model: Model, flagged: pl.DataFrame, reasons: Sequence[Reason], contributions: pl.DataFrame) -> Flags:
    """Rank flagged records and put their reasons into words.

    Parameters
    ----------
    model : Model
        The model that scored them.
    flagged : pl.DataFrame
        Records as `anomembed.pipeline.score_batches` yields them, most abnormal first.
    reasons : sequence of Reason
        One for each.
    contributions : pl.DataFrame
        See `Flags`.
    """
    sentences = words()
    frame = _ranked(model, flagged, [reason.sentence(sentences) for reason in reasons])
    return Flags(frame, contributions, tuple(reasons))


def add_unexplained(model: Model, flags: Flags, flagged: pl.DataFrame) -> Flags:
    """Add flags without a reason of their own: an outbreak floods a log, and nobody reads a million reasons."""
    explained = flags.frame.height
    note = f"one of {explained + flagged.height:,} flags, of which the {explained:,} most abnormal are explained"
    ranked = _ranked(model, flagged, [note] * flagged.height).with_columns(pl.col("rank") + explained)
    return Flags(pl.concat([flags.frame, ranked]), flags.contributions, flags.reasons)


def _ranked(model: Model, flagged: pl.DataFrame, sentences: Sequence[str]) -> pl.DataFrame:
    keys = flagged.select(pl.exclude(VALUES, "raw_score", "tail_probability", "view"))
    scores = flagged.select(
        rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        raw_score="raw_score",
        tail_probability="tail_probability",
        extrapolated=pl.col("raw_score") > model.calibration.largest,
        view="view",
        reason=pl.Series(sentences, dtype=pl.String),
    )
    return pl.concat([keys, scores], how="horizontal")

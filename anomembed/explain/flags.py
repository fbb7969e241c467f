"""Flagged records, ranked, with their reasons in words."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import polars as pl

from anomembed.explain.carried import carry
from anomembed.explain.findings import finding_key
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
        Key columns, ``rank`` (from 1), ``raw_score``, ``tail_probability``, ``extrapolated``, ``view`` (the one
        that gives the reason), ``reason``, ``record_values`` (JSON: when, who, the message, and the values that the
        reason names), ``finding`` (the same for flags with one reason, see `anomembed.explain.findings`; empty for
        those that are not explained).
    contributions : pl.DataFrame
        ``rank``, ``view``, ``column_name``, ``value``, ``contribution`` (nats; those of a record sum to its raw score),
        ``expected`` (values, most probable first). Contributions of 0 are left out.
    reasons : tuple of Reason
        The reasons as data, most abnormal first; only of records that were explained.
    """

    frame: pl.DataFrame
    contributions: pl.DataFrame
    reasons: tuple[Reason, ...]

    def without(self, ranks: Collection[int]) -> Self:
        """Return all but the flags of some ranks; those that are left move up."""
        kept = self.frame.filter(~pl.col("rank").is_in(list(ranks)))
        moved = {rank: new for new, rank in enumerate(kept["rank"], 1)}
        parts = self.contributions.filter(~pl.col("rank").is_in(list(ranks)))
        reasons = tuple(reason for rank, reason in enumerate(self.reasons, 1) if rank not in ranks)
        rank = pl.col("rank").replace_strict(moved, return_dtype=pl.Int64)
        return type(self)(kept.with_columns(rank), parts.with_columns(rank), reasons)


def make_flags(model: Model, flagged: pl.DataFrame, reasons: Sequence[Reason], contributions: pl.DataFrame) -> Flags:
    """Rank flagged records, and put their reasons into words.

    Parameters
    ----------
    model : Model
        The model that scored them.
    flagged : pl.DataFrame
        Rows as `anomembed.scoring.score_batches` yields them, most abnormal first.
    reasons : sequence of Reason
        A reason per record.
    contributions : pl.DataFrame
        See `Flags`.
    """
    sentences = words()
    said, findings = [reason.sentence(sentences) for reason in reasons], map(finding_key, reasons)
    told = flagged.with_columns(view=pl.Series([reason.view for reason in reasons], dtype=pl.String))
    frame = _ranked(model, told, said, carry(model, flagged, reasons), findings)
    return Flags(frame, contributions, tuple(reasons))


def add_unexplained(model: Model, flags: Flags, flagged: pl.DataFrame) -> Flags:
    """Append flags without an explanation: in an outbreak there are too many to explain, or to read."""
    explained = flags.frame.height
    note = f"one of {explained + flagged.height:,} flags, of which the {explained:,} most abnormal are explained"
    n_more = flagged.height
    ranked = _ranked(model, flagged, [note] * n_more, carry(model, flagged, ()), [""] * n_more)
    ranked = ranked.with_columns(pl.col("rank") + explained)
    return Flags(pl.concat([flags.frame, ranked]), flags.contributions, flags.reasons)


def _ranked(
    model: Model, flagged: pl.DataFrame, sentences: Sequence[str], records: pl.Series, findings: Iterable[str]
) -> pl.DataFrame:
    keys = flagged.select(pl.exclude(VALUES, "raw_score", "tail_probability", "view"))
    scores = flagged.select(
        rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        raw_score="raw_score",
        tail_probability="tail_probability",
        extrapolated=pl.Series(model.calibration.is_extrapolated(flagged["raw_score"].to_numpy()), dtype=pl.Boolean),
        view="view",
        reason=pl.Series(sentences, dtype=pl.String),
        record_values=records,
        finding=pl.Series(list(findings), dtype=pl.String),
    )
    return pl.concat([keys, scores], how="horizontal")

"""Notice that a column has changed: its values are new, missing, of another kind, or all the same.

One notice stands for all flags that follow from it: these are held back.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

from anomembed.model import Model
from anomembed.monitor.notices import CONSTANT, MISSING, NEW_COLUMN, OF_ANOTHER_KIND, UNSEEN, About
from anomembed.represent.tokens.vocabulary import ColumnTokens, Special
from anomembed.score.drift import ColumnDrift, Drift
from anomembed.views.reason import clean_text

KINDS = (CONSTANT, MISSING, UNSEEN, OF_ANOTHER_KIND)
HOLDING = (MISSING, UNSEEN, OF_ANOTHER_KIND)  # kinds that hold flags back
LEAST_RECORDS, LEAST_SHARE = 20, 0.2  # of a part, from which values that are new or missing are noticed
TIMES_USUAL = 4.0  # the usual odds, at least
LEAST_OVER, OVER_SHARE = 5, 0.1  # records of a part, and a share of them below which it is over
AS_BEFORE = 0.2  # divergence of values below which they are those of the reference again
LEAST_CONSTANT, MOST_USUAL = 100, 0.5  # records of a part that have one value, and its share of the reference at most
SAMPLED = 1_000  # values of the reference that tell of which kind they are
CLEAR = 0.9  # share of values that are a number, from which all are meant to be; and the reverse
NUMBER = re.compile(r"\s*[+-]?\d+([.,]\d+)*\s*")


@dataclass(frozen=True)
class Usual:
    """What earlier runs had in a column, as shares of their records.

    Parameters
    ----------
    missing, unseen : float
        Without a value, and with a new one.
    is_constant : bool
        Whether a run of some records had but one value.
    most_missing, most_unseen : float
        In one run of the last day, at most.
    """

    missing: float = 0.0
    unseen: float = 0.0
    is_constant: bool = False
    most_missing: float = 0.0
    most_unseen: float = 0.0


@dataclass(frozen=True)
class Changes:
    """What has changed in a part, and what is over.

    Parameters
    ----------
    begun : dict of About to str
        What has begun, with what to tell.
    over : set of About
        What was open and is not any more.
    """

    begun: dict[About, str] = field(default_factory=dict)
    over: set[About] = field(default_factory=set)

    def __or__(self, other: Self) -> "Changes":
        return Changes(self.begun | other.begun, self.over | other.over)


def find_changes(model: Model, drift: Drift, usual: Mapping[str, Usual], known: set[About]) -> Changes:
    """Find in which columns the records of a part are unlike the reference and earlier runs.

    Parameters
    ----------
    model : Model
        The model that scored them.
    drift : Drift
        What they have.
    usual : mapping of str to Usual
        What earlier runs had, by column.
    known : set of About
        What has begun and is not over.
    """
    changes, columns = Changes(), {column.name: column for column in model.vocabulary.columns}
    for found in drift.columns():
        column, before = columns[found.column_name], usual.get(found.column_name, Usual())
        if column.is_of_message or found.n_records < LEAST_OVER:
            continue
        open_kinds = {about.kind for about in known if about.column_name == found.column_name}
        for kind, sentence in _begun(column, found, before, drift):
            if not open_kinds & {kind, *({UNSEEN, OF_ANOTHER_KIND} if kind in (UNSEEN, OF_ANOTHER_KIND) else ())}:
                changes.begun[About(kind, found.column_name)] = sentence
        changes.over.update(About(kind, found.column_name) for kind in open_kinds if _is_over(kind, found, before))
    return changes


def _begun(column: ColumnTokens, found: ColumnDrift, before: Usual, drift: Drift) -> Iterator[tuple[str, str]]:
    """Yield what has begun in a column, and what to tell of it."""
    name, n = clean_text(column.name), found.n_records
    n_rare = float((column.codes == Special.RARE).sum()) if len(column.codes) else 0.0
    usual_unseen = max(n_rare / max(column.n_records, 1), column.new_share, before.unseen)
    usual_missing = max(float(column.counts[Special.MISSING]) / max(column.n_records, 1), before.missing)
    if _has_jumped(found.unseen, usual_unseen, n):
        kind = _other_kind(column, drift)
        what = f"{name} holds {kind}, not as the reference does," if kind else f"{name} is new to the reference"
        often = f"in {found.unseen:.0%} of {n:,} records (usually {usual_unseen:.1%})"
        yield OF_ANOTHER_KIND if kind else UNSEEN, f"{what} {often}, such as {_examples(drift, column.name)}"
    if _has_jumped(found.missing, usual_missing, n):
        what = "missing, or no number," if column.kind.traits.is_number else "missing"
        yield MISSING, f"{name} is {what} in {found.missing:.0%} of {n:,} records (usually {usual_missing:.1%})"
    if found.commonest == 1.0 and n >= LEAST_CONSTANT and not before.is_constant and not found.missing + found.unseen:
        label, share = drift.commonest(column.name)
        if share <= MOST_USUAL:
            yield CONSTANT, f"{name} is {clean_text(label)} in all of {n:,} records (usually in {share:.1%})"


def _has_jumped(share: float, usual: float, n_records: int) -> bool:
    least = TIMES_USUAL * usual / (1 + (TIMES_USUAL - 1) * usual)  # of odds, as no share is four times one of a half
    return share * n_records >= LEAST_RECORDS and share >= max(LEAST_SHARE, least)


def _is_over(kind: str, found: ColumnDrift, before: Usual) -> bool:
    """Tell whether what has begun is over: values are as before, or a day has passed without what was noticed.

    A host with a new name rests at night, and then values are those of fewer hosts.
    """
    if kind == CONSTANT:
        return found.commonest < 1.0
    now, lately = (found.missing, before.most_missing) if kind == MISSING else (found.unseen, before.most_unseen)
    return now < OVER_SHARE and (found.shift < AS_BEFORE or lately < OVER_SHARE)


def _other_kind(column: ColumnTokens, drift: Drift) -> str | None:
    """Return what the new values are that those of the reference are not: numbers, or text; None when neither."""
    known = [_is_number(value) for value in column.values.head(SAMPLED).drop_nulls()]
    new = [_is_number(value) for value in drift.unseen(column.name)]
    if not known or not new:
        return None
    before, now = sum(known) / len(known), sum(new) / len(new)
    if before <= 1 - CLEAR and now >= CLEAR:
        return "numbers"
    return "text" if before >= CLEAR and now <= 1 - CLEAR else None


def _is_number(value: object) -> bool:
    return NUMBER.fullmatch(str(value)) is not None


def _examples(drift: Drift, column: str) -> str:
    ordered = sorted(drift.unseen(column).items(), key=lambda item: (-item[1], str(item[0])))
    return ", ".join(f"{clean_text(str(value))} ({times:,})" for value, times in ordered[:2])


def find_new_columns(names: Collection[str], known: set[About]) -> Changes:
    """Find columns that the model does not know; `known` has begun and is not over."""
    found, before = {About(NEW_COLUMN, name) for name in names}, {about for about in known if about.kind == NEW_COLUMN}
    sentence = "{} is a new column of the source; to have it judged, fit again"
    begun = {about: sentence.format(clean_text(about.column_name)) for about in sorted(found - before, key=str)}
    return Changes(begun, before - found)

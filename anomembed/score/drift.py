"""Notice values that the reference never had and that many records have: something was renamed, or is new."""

from collections import Counter
from collections.abc import Iterator

import polars as pl

from anomembed.represent.tokens.vocabulary import Kind, Special, Tokens, Vocabulary
from anomembed.views.reason import clean_text

LEAST_SHARE, LEAST_RECORDS = 0.01, 20  # of the records scored, from which a new value is told
MOST_KEPT = 1_000  # new values that are counted per column


class Drift:
    """Counts the values that a vocabulary does not have while records pass by.

    Parameters
    ----------
    vocabulary : Vocabulary
        Tokens of the reference.

    Attributes
    ----------
    n_records : int
        Records that passed by.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._unseen: dict[str, Counter[str]] = {}
        self.n_records = 0

    def watch(self, tokens: Tokens, values: pl.DataFrame) -> None:
        """Count the values of a batch: its token ids, and its values by column."""
        self.n_records += len(tokens)
        for at, column in enumerate(self._vocabulary.columns):
            is_unseen = tokens[:, at] == self._vocabulary.offsets[at] + Special.UNSEEN
            if column.kind is not Kind.VALUE or column.is_of_message or not is_unseen.any():
                continue
            found = values[column.source].filter(pl.Series(is_unseen)).value_counts(name="n_records")
            counted = self._unseen.get(column.name, Counter()) + Counter(dict(found.iter_rows()))
            self._unseen[column.name] = Counter(dict(counted.most_common(MOST_KEPT)))

    def cautions(self) -> Iterator[str]:
        """Yield a sentence for every column with a value that is new and frequent."""
        least = max(LEAST_RECORDS, LEAST_SHARE * self.n_records)
        for column, counted in self._unseen.items():
            often = [(value, times) for value, times in counted.most_common() if times >= least]
            if not often:
                continue
            (value, times), more = often[0], f", and {len(often) - 1:,} more such values" if len(often) > 1 else ""
            yield (
                f"{clean_text(column)}={clean_text(value)}, which the reference does not have, is in {times:,} of "
                f"{self.n_records:,} records ({times / self.n_records:.0%}){more}: renamed or new? To take it as "
                "normal, run `anomembed fit` again"
            )

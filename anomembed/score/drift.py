"""Notice values that the reference never had and that many records have: something was renamed, or is new."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import polars as pl
from scipy.special import pdtrc

from anomembed.represent.tokens.vocabulary import ColumnTokens, Kind, Special, Tokens, Vocabulary
from anomembed.views.reason import clean_text

LEAST_SHARE, LEAST_RECORDS = 0.01, 20  # of the records scored, from which a new value is told
HANDFUL, BY_CHANCE = 5, 1e-4  # fewer records are enough, where so many with a new value are unlikely in that column
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
        columns = {column.name: column for column in self._vocabulary.columns}
        for column, counted in self._unseen.items():
            least = max(self._least_records(columns[column]), LEAST_SHARE * self.n_records)
            often = [(value, times) for value, times in counted.most_common() if times >= least]
            if not often:
                continue
            (value, times), more = often[0], f", and {len(often) - 1:,} more such values" if len(often) > 1 else ""
            yield (
                f"{clean_text(column)}={clean_text(value)}, which the reference does not have, is in {times:,} of "
                f"{self.n_records:,} records ({times / self.n_records:.0%}){more}: renamed or new? To take it as "
                "normal, run `anomembed fit` again"
            )

    def _least_records(self, column: ColumnTokens) -> int:
        """Return the number of records with one new value that chance does not make.

        New values are expected as often as the reference has values seen once [1]_; `LEAST_RECORDS` are never chance.

        .. [1] Good: The population frequencies of species and the estimation of population parameters. Biometrika,
           1953.
        """
        seen_once = np.count_nonzero(column.counts == 1) + 0.5
        usual = self.n_records * seen_once / (column.n_records + 1)
        chances = pdtrc(np.arange(HANDFUL, LEAST_RECORDS) - 1, usual)
        return HANDFUL + int((chances > BY_CHANCE).sum())

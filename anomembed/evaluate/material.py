"""What embeddings and scores are measured on, read before anything is learnt: tokens, a grouping, labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from anomembed.config import Config
from anomembed.evaluate.embeddings import check_corpus
from anomembed.evaluate.grouping import Grouping, find_grouped, read_grouping
from anomembed.evaluate.labels import hide_column, read_labels
from anomembed.fit.model import find_roles, split_corpus
from anomembed.pipeline import Watcher
from anomembed.read.roles.assigned import Roles
from anomembed.read.table import Table
from anomembed.represent.embeddings.corpus import SplitCorpus


@dataclass(frozen=True)
class Truth:
    """Columns of the source that embeddings and scores are compared with; no fit sees them.

    Parameters
    ----------
    label, positive : str or None
        The label column, and its value for abnormal records.
    group : str or None
        Two columns, separated by an equals sign: the values of the first are grouped by the second.
    roles : mapping of str to sequence of str
        Columns by the role given on the command line; none of them can be hidden.
    """

    label: str | None = None
    positive: str | None = None
    group: str | None = None
    roles: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Material:
    """What is measured on.

    Parameters
    ----------
    config : Config
        Settings, in which the columns of the truth are ignored.
    roles : Roles
        Of the columns.
    split : SplitCorpus
        What embeddings are learnt from, and what was held out.
    grouping : Grouping or None
        A grouping that nearest neighbours should reproduce.
    labels : pl.DataFrame or None
        From `read_labels`.
    """

    config: Config
    roles: Roles
    split: SplitCorpus
    grouping: Grouping | None
    labels: pl.DataFrame | None

    @property
    def n_learnt(self) -> int:
        """Records or sequences learnt from."""
        return int(self.split.corpus.times.sum())

    @property
    def n_held_out(self) -> int:
        """Records or sequences held out."""
        return len(self.split.held_out)


def read_material(table: Table, config: Config, truth: Truth, watcher: Watcher) -> Material:
    """Read what to measure on.

    Parameters
    ----------
    table : Table
        An open table.
    config : Config
        Settings.
    truth : Truth
        What to compare with.
    watcher : Watcher
        Receives the roles.

    Raises
    ------
    SourceError, ConfigError, DataError
        When a column does not exist or is needed otherwise, or there is nothing to measure.
    """
    grouped = None if truth.group is None else find_grouped(table, truth.group)
    hidden = {"--label": truth.label, "--group": grouped[1] if grouped else None}
    for option, name in hidden.items():
        config = config if name is None else hide_column(config, table, name, option, truth.roles)
    roles, source = find_roles(table, config), config.source
    watcher.roles(roles)
    labels = None if truth.label is None else read_labels(table, roles, truth.label, truth.positive, source.where)
    split = split_corpus(table, roles, config)
    check_corpus(split)
    grouping = read_grouping(table, roles, split.corpus, grouped, source.fit_where) if grouped else None
    return Material(config, roles, split, grouping, labels)

"""How good are the embeddings of a table? Learn them, measure them on what was held out, and tabulate."""

from dataclasses import dataclass
from statistics import fmean

import numpy as np
import polars as pl

from anomembed.config import Config
from anomembed.errors import ConfigError, DataError
from anomembed.read.roles import Role, Roles
from anomembed.read.sequences import event_sql
from anomembed.read.table import Table
from anomembed.read.vectors import read_wanted_vectors
from anomembed.represent.arrays import Ints
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus, SplitCorpus
from anomembed.represent.embeddings.fitting import fit_embeddings
from anomembed.represent.quality.clusters import Clusters, find_clusters, find_company
from anomembed.represent.quality.neighbours import Agreement, compare_groups, compare_neighbours
from anomembed.represent.quality.prediction import Prediction, predict_left_out
from anomembed.represent.quality.projection import project
from anomembed.represent.tokens.vocabulary import Kind
from anomembed.write.map import Points

MEAN = "(mean)"
MEANT = ("top_1", "top_5", "reciprocal_rank", "log_loss", "marginal_top_1", "marginal_log_loss", "coverage")
TYPICAL = 5  # tokens named of a cluster
NOT_CLUSTERED = "(none)"
MOST_DRAWN = 2_000  # tokens of a map, the most frequent


@dataclass(frozen=True)
class Grouping:
    """Tokens of one column, grouped by what they mostly go with in another.

    Parameters
    ----------
    column, by : str
        The two columns.
    tokens : ndarray of shape (n_grouped,)
        Token ids.
    groups : ndarray of shape (n_grouped,)
        Number of the group of each.
    names : tuple of str
        Of the groups.
    """

    column: str
    by: str
    tokens: Ints
    groups: Ints
    names: tuple[str, ...]


@dataclass(frozen=True)
class Quality:
    """What was measured of embeddings.

    Parameters
    ----------
    predictions : tuple of Prediction
        A column's values, each left out and predicted by the others.
    stability : Agreement
        Neighbours that stay neighbours with the next seed.
    grouping : Agreement or None
        Neighbours that are of the same group.
    """

    predictions: tuple[Prediction, ...]
    stability: Agreement
    grouping: Agreement | None

    def means(self) -> dict[str, float]:
        """Return the mean figures of the columns that could be predicted, and the mean coverage of all columns."""
        told = [p for p in self.predictions if p.n_predicted]
        found = {name: fmean(getattr(p, name) for p in told) if told else float("nan") for name in MEANT}
        return {**found, "coverage": fmean(p.coverage for p in self.predictions)}


def check_corpus(split: SplitCorpus) -> None:
    """See whether there is anything that can be predicted of anything else.

    Raises
    ------
    DataError
        When there is one column, or one value.
    """
    corpus = split.corpus
    if corpus.n_used < 2:
        raise DataError("there is one value: nothing to compare")
    if not corpus.is_ordered and len(corpus.columns) < 2:
        raise DataError(f"{corpus.columns[0].name} is the only column that is judged: its values keep no company")
    if corpus.is_ordered and corpus.sequences.lengths.max() < 2:
        raise DataError("every sequence has one event: events keep no company")


def measure_quality(
    embeddings: Embeddings, again: Embeddings, split: SplitCorpus, grouping: Grouping | None
) -> Quality:
    """Measure embeddings.

    Parameters
    ----------
    embeddings, again : Embeddings
        Learnt from `split.corpus`, by two seeds.
    split : SplitCorpus
        What they were learnt from, and what was held out.
    grouping : Grouping or None
        A grouping that the nearest neighbours should reproduce.
    """
    used = np.flatnonzero(split.corpus.occurrences)
    grouped = compare_groups(embeddings.vectors[grouping.tokens], grouping.groups) if grouping else None
    stability = compare_neighbours(embeddings.vectors[used], again.vectors[used])
    return Quality(tuple(predict_left_out(embeddings, split)), stability, grouped)


def learn_twice(split: SplitCorpus, config: Config) -> tuple[Embeddings, Embeddings]:
    """Learn embeddings with the seed and with the next one."""
    settings, vectors = config.embedding, read_wanted_vectors(config.embedding.vectors)
    first, again = (fit_embeddings(split.corpus, settings, config.seed + step, vectors=vectors) for step in range(2))
    return first, again


def find_grouped(table: Table, said: str) -> tuple[str, str]:
    """Tell the two columns that an option such as ``merchant=merchant_category`` names.

    Parameters
    ----------
    table : Table
        The open table; names of its columns may hold equals signs.
    said : str
        A column, an equals sign, a column.

    Returns
    -------
    column, by : str

    Raises
    ------
    SourceError
        When there is no such column.
    ConfigError
        When it can be read in several ways.
    """
    parts = said.split("=")
    ways = [("=".join(parts[:place]), "=".join(parts[place:])) for place in range(1, len(parts))]
    known = {column.name.casefold() for column in table.columns}
    found = [way for way in ways if all(name.casefold() in known for name in way)]
    if len(found) > 1:
        read = " or ".join(f"{column!r} by {by!r}" for column, by in found)
        raise ConfigError(f"--group {said} can be read in several ways: {read}; rename a column, in a query")
    column, by = max(ways, key=lambda way: sum(name.casefold() in known for name in way))
    return table.column(column).name, table.column(by).name


def read_grouping(table: Table, roles: Roles, corpus: Corpus, columns: tuple[str, str], where: str | None) -> Grouping:
    """Group the values of a column by what they mostly go with in another.

    Parameters
    ----------
    table : Table
        The open table.
    roles : Roles
        The roles of its columns.
    corpus : Corpus
        Has the tokens.
    columns : tuple of str
        The column whose values are grouped, and the column that groups them.
    where : str or None
        SQL condition of the records.

    Raises
    ------
    SourceError
        When there is no such column.
    ConfigError
        When the first is no column of values that are judged.
    DataError
        When there are fewer than two groups, or none with two values.
    """
    column, by = (table.column(name) for name in columns)
    tokens = [place for place, c in enumerate(corpus.columns) if c.source == column.name and c.kind is Kind.VALUE]
    if not tokens and not (corpus.is_ordered and corpus.columns[0].kind is Kind.VALUE):
        raise ConfigError(f"--group {column.name}={by.name}: {column.name} is no column of values that are judged")
    place = tokens[0] if tokens else 0
    value = event_sql(roles.of(Role.EVENT)) if corpus.is_ordered else f"CAST({column.expression} AS VARCHAR)"
    counts = table.value_counts_of(value, f"CAST({by.expression} AS VARCHAR)", where).drop_nulls()
    counts = counts.sort("entity", "n_records", "value", descending=[False, True, False])
    majority = dict(counts.unique("entity", keep="first", maintain_order=True).select("entity", "value").iter_rows())
    low, high = corpus.offsets[place : place + 2].tolist()
    used = low + np.flatnonzero(corpus.occurrences[low:high])
    labels = [corpus.columns[place].labels[token - low] for token in used]
    found = [(token, majority[label]) for token, label in zip(used, labels, strict=True) if label in majority]
    names, groups = np.unique(np.array([name for _, name in found], dtype=object), return_inverse=True)
    if len(names) < 2 or len(names) == len(found):
        what = "one group" if len(names) == 1 else "no group with two values"
        raise DataError(f"--group {column.name}={by.name}: the values of {column.name} form {what}")
    return Grouping(column.name, by.name, np.array([token for token, _ in found]), groups, tuple(names.tolist()))


def token_names(corpus: Corpus) -> list[str]:
    """Return how every token is called, such as ``country=DE``."""
    return [f"{column.name}={label}" for column in corpus.columns for label in column.labels]


def tabulate(
    quality: Quality, clusters: Clusters, corpus: Corpus, grouping: Grouping | None
) -> dict[str, pl.DataFrame]:
    """Put what was measured into tables.

    Parameters
    ----------
    quality : Quality
        What was measured.
    clusters : Clusters
        Clusters of all tokens.
    corpus : Corpus
        Names the tokens.
    grouping : Grouping or None
        What the tokens were grouped by.

    Returns
    -------
    dict of str to pl.DataFrame
        ``prediction``: a row per column, and their mean; ``neighbours``; ``clusters``.
    """
    prediction = pl.DataFrame([vars(p) for p in quality.predictions])
    mean = pl.DataFrame([{"column": MEAN, **quality.means()}])
    found = {"neighbours that the next seed has too": quality.stability}
    if grouping and quality.grouping:
        found[f"neighbours of the same {grouping.by}, among {grouping.column}"] = quality.grouping
    names = token_names(corpus)
    return {
        "prediction": pl.concat([prediction, mean], how="diagonal"),
        "neighbours": pl.DataFrame([{"what": what, **vars(agreement)} for what, agreement in found.items()]),
        "clusters": _tabulate_clusters(clusters, corpus, names),
    }


def _tabulate_clusters(clusters: Clusters, corpus: Corpus, names: list[str]) -> pl.DataFrame:
    found = {str(number): (some, find_company(some, corpus.counts)) for number, some in enumerate(clusters.members, 1)}
    found[NOT_CLUSTERED] = (clusters.alone, np.array([], np.int64))
    return pl.DataFrame(
        {
            "cluster": list(found),
            "n_tokens": [len(some) for some, _ in found.values()],
            "typical": [[names[token] for token in some[:TYPICAL]] for some, _ in found.values()],
            "goes_with": [[names[token] for token in company] for _, company in found.values()],
        },
        schema_overrides={"typical": pl.List(pl.String), "goes_with": pl.List(pl.String)},
    )


def map_points(
    embeddings: Embeddings, corpus: Corpus, grouping: Grouping | None, projection: str, seed: int
) -> tuple[Points, str, str]:
    """Put the most frequent tokens on a plane, coloured by group where there is one, else by column.

    Parameters
    ----------
    embeddings : Embeddings
        Of the tokens.
    corpus : Corpus
        Names the tokens.
    grouping : Grouping or None
        With it only the values that it groups are drawn.
    projection : str
        ``pca`` or ``umap``.
    seed : int
        Start of all random numbers.

    Returns
    -------
    points : Points
    what, how : str
        What they are, and how they came to their places, in words.
    """
    kinds = [column.name for column in corpus.columns for _ in column.labels]
    used = np.flatnonzero(corpus.occurrences)
    names, what = token_names(corpus), "tokens"
    if grouping:
        group_of = dict(zip(grouping.tokens.tolist(), grouping.groups.tolist(), strict=True))
        kinds = [grouping.names[group_of[token]] if token in group_of else "" for token in range(corpus.size)]
        used, what = np.sort(grouping.tokens), f"values of {grouping.column}, by {grouping.by}"
        names = [label for column in corpus.columns for label in column.labels]
    often = used[np.argsort(-corpus.occurrences[used], kind="stable")]
    drawn = often[:MOST_DRAWN]
    placed = project(embeddings.vectors[drawn], projection, seed)
    weights = tuple(corpus.occurrences[drawn].tolist())
    points = Points(placed.places, tuple(names[t] for t in drawn), tuple(kinds[t] for t in drawn), weights)
    of = "" if len(drawn) == len(often) else f" of {len(often):,}, the most frequent"
    how = f"{embeddings.method} embeddings {embeddings.width} wide; {placed.method}"
    return points, f"{len(drawn):,}{of} {what}", how


def cluster_tokens(embeddings: Embeddings, corpus: Corpus) -> Clusters:
    """Find the clusters that the tokens form."""
    return find_clusters(embeddings.vectors, corpus.occurrences)

"""Tables of what was measured: prediction, neighbours, clusters."""

import numpy as np
import polars as pl

from anomembed.evaluate.embeddings import Quality
from anomembed.evaluate.grouping import Grouping
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.quality.clusters import Clusters, find_clusters, find_company

MEAN = "(mean)"
TYPICAL = 5  # tokens named of a cluster
NOT_CLUSTERED = "(none)"


def cluster_tokens(embeddings: Embeddings, corpus: Corpus) -> Clusters:
    """Find clusters of all tokens, by their embeddings."""
    return find_clusters(embeddings.vectors, corpus.occurrences)


def tabulate(
    quality: Quality, clusters: Clusters, corpus: Corpus, grouping: Grouping | None
) -> dict[str, pl.DataFrame]:
    """Return what was measured as tables.

    Parameters
    ----------
    quality : Quality
        From `anomembed.evaluate.embeddings.measure_quality`.
    clusters : Clusters
        From `cluster_tokens`.
    corpus : Corpus
        Names of the tokens.
    grouping : Grouping or None
        The grouping that `quality` was measured with.

    Returns
    -------
    dict of str to pl.DataFrame
        ``prediction``: a row per column, and their mean. ``neighbours``: a row per comparison. ``clusters``: a row per
        cluster, and one for the tokens in none.
    """
    prediction = pl.DataFrame([vars(p) for p in quality.predictions])
    mean = pl.DataFrame([{"column": MEAN, **quality.means()}])
    agreements = {"neighbours shared with the next seed": quality.stability}
    if grouping and quality.grouping:
        agreements[f"neighbours of the same {grouping.by}, among {grouping.column}"] = quality.grouping
    names = token_names(corpus)
    return {
        "prediction": pl.concat([prediction, mean], how="diagonal"),
        "neighbours": pl.DataFrame([{"what": what, **vars(agreement)} for what, agreement in agreements.items()]),
        "clusters": _tabulate_clusters(clusters, corpus, names),
    }


def _tabulate_clusters(clusters: Clusters, corpus: Corpus, names: list[str]) -> pl.DataFrame:
    tokens = {str(number): members for number, members in enumerate(clusters.members, 1)}
    context = [find_company(members, corpus.counts) for members in clusters.members]
    tokens[NOT_CLUSTERED] = clusters.alone
    context.append(np.array([], np.int64))
    return pl.DataFrame(
        {
            "cluster": list(tokens),
            "n_tokens": [len(members) for members in tokens.values()],
            "typical": [[names[token] for token in members[:TYPICAL]] for members in tokens.values()],
            "goes_with": [[names[token] for token in others] for others in context],
        },
        schema_overrides={"typical": pl.List(pl.String), "goes_with": pl.List(pl.String)},
    )


def token_names(corpus: Corpus) -> list[str]:
    """Return the name of every token, such as ``country=DE``."""
    return [f"{column.name}={label}" for column in corpus.columns for label in column.labels]

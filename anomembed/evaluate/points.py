"""Points of a map: the most frequent tokens, projected to a plane."""

from typing import NamedTuple

import numpy as np

from anomembed.evaluate.grouping import Grouping
from anomembed.evaluate.tables import token_names
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.quality.projection import project
from anomembed.write.map import Points

MOST_DRAWN = 2_000  # tokens, the most frequent


class Map(NamedTuple):
    """Points of a map, what they are (``"2,000 of 3,120, the most frequent tokens"``), and how they were projected."""

    points: Points
    what: str
    how: str


def map_points(embeddings: Embeddings, corpus: Corpus, grouping: Grouping | None, projection: str, seed: int) -> Map:
    """Project the most frequent tokens to a plane; their kind, hence their colour, is their column or group.

    Parameters
    ----------
    embeddings : Embeddings
        Embeddings of the tokens.
    corpus : Corpus
        Names and frequencies of the tokens.
    grouping : Grouping or None
        Restricts the map to the values it groups, which are coloured by group.
    projection : {"pca", "umap"}
        Method of the projection.
    seed : int
        Seed of UMAP.
    """
    kinds = [column.name for column in corpus.columns for _ in column.labels]
    used = np.flatnonzero(corpus.occurrences)
    names, what = token_names(corpus), "tokens"
    if grouping:
        group_of = dict(zip(grouping.tokens.tolist(), grouping.groups.tolist(), strict=True))
        kinds = [grouping.names[group_of[token]] if token in group_of else "" for token in range(corpus.size)]
        used, what = np.sort(grouping.tokens), f"values of {grouping.column}, by {grouping.by}"
        names = [label for column in corpus.columns for label in column.labels]
    by_frequency = used[np.argsort(-corpus.occurrences[used], kind="stable")]
    drawn = by_frequency[:MOST_DRAWN]
    projected = project(embeddings.vectors[drawn], projection, seed)
    weights = tuple(corpus.occurrences[drawn].tolist())
    points = Points(projected.places, tuple(names[t] for t in drawn), tuple(kinds[t] for t in drawn), weights)
    of = "" if len(drawn) == len(by_frequency) else f" of {len(by_frequency):,}, the most frequent"
    how = f"{embeddings.method} embeddings {embeddings.width} wide; {projected.method}"
    return Map(points, f"{len(drawn):,}{of} {what}", how)

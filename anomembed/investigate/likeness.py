"""A map of the values of a column, with one of them and those most like it marked."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from anomembed.represent.quality.projection import project
from anomembed.write.likeness import split_token, tokens_of
from anomembed.write.map import Points, draw_map
from anomembed.write.store import Store


def draw_likeness(store: Store, token: str, alike: Sequence[str], model_id: int | None, path: Path) -> None:
    """Draw a map of the values of a column.

    Parameters
    ----------
    store : Store
        An open store.
    token : str
        Column and value, such as ``merchant=Acme``.
    alike : sequence of str
        The values that are most like it.
    model_id : int or None
        The model; the newest that has the value by default.
    path : Path
        The file.
    """
    points, method = place_values(store, token, alike, model_id)
    title = f"{len(points.names):,} values of {split_token(token)[0]}, and what is like {points.names[0]}"
    draw_map(path, points, title, method)


def place_values(store: Store, token: str, alike: Sequence[str], model_id: int | None) -> tuple[Points, str]:
    """Return the values of a column as points, and how they were placed; the first is the one that is asked for."""
    column, _ = split_token(token)
    found = tokens_of(store, token, alike, model_id)
    names = tuple(found["token"])
    kinds = dict.fromkeys(alike, "most similar") | {names[0]: f"{column}={names[0]}"}
    projected = project(np.array(found["embedding"].to_list(), np.float32), "pca", 0)
    kind_of = tuple(kinds.get(name, "others") for name in names)
    return Points(projected.places, names, kind_of, tuple(found["n_records"])), projected.method

"""A map of the values of a column, with one of them and those most like it marked."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from anomembed.represent.quality.projection import project
from anomembed.write.likeness import tokens_of
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
    column, _, value = token.partition("=")
    found = tokens_of(store, token, model_id)
    names = found["token"].to_list()
    first = [name for name in names if name == value] + [name for name in names if name in alike]
    order = sorted(range(len(names)), key=lambda at: names[at] not in first)  # these are labelled before others
    kinds = dict.fromkeys(alike, "most similar") | {value: token}
    projected = project(np.array(found["embedding"].to_list(), np.float32)[order], "pca", 0)
    named, weights = [names[at] for at in order], found["n_records"].to_list()
    points = Points(
        projected.places,
        tuple(named),
        tuple(kinds.get(name, "others") for name in named),
        tuple(weights[at] for at in order),
    )
    draw_map(path, points, f"{len(names):,} values of {column}, and what is like {value}", projected.method)

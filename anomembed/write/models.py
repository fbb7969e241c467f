"""Save models to a store, load them, and choose the one to score by."""

import json
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from anomembed import views
from anomembed.config import Config
from anomembed.errors import StoreError
from anomembed.model import Model
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, ColumnTokens, Special
from anomembed.write.checking import check_model
from anomembed.write.packing import Packer, reachable
from anomembed.write.reading import open_to_read
from anomembed.write.store import ModelRecord, Store

MOST_PAIRS = 2_000_000  # listed in the store, the most frequent ones
PACKAGES = ("anomembed", "duckdb", "numba", "numpy", "polars", "pyod", "scikit-learn", "scipy")


def save_model(model: Model, store: Store) -> int:
    """Save a model to a store.

    Parameters
    ----------
    model : Model
        A fitted model.
    store : Store
        An open store.

    Returns
    -------
    int
        Id of the model.
    """
    roles = [{"column": c.name, "type": c.type, "role": c.role, "reason": c.reason} for c in model.roles.columns]
    record = ModelRecord(
        source=model.summary.source,
        n_reference=model.summary.n_reference,
        config=model.config.model_dump_json(),
        roles=json.dumps(roles),
        summary=json.dumps(asdict(model.summary)),
        versions=_versions(),
        tokens=_token_table(model),
        pairs=_pair_table(model),
        losses=model.embeddings.losses,
    )
    return store.add_model(record, Packer(classes()).pack(model))


def classes() -> tuple[type, ...]:
    """Return the classes that occur in models: those of the fields of `Model` and of every view."""
    return tuple(reachable(Model, *views.RECORD_VIEWS, *views.SEQUENCE_VIEWS))


@cache
def _versions() -> str:
    return json.dumps({name: version(name) for name in PACKAGES})


def load_model(store: Store | str | Path, model_id: int | None = None) -> Model:
    """Load a model from a store; it gives exactly the scores it gave when it was saved.

    Parameters
    ----------
    store : Store, str or Path
        An open store, or the path of one.
    model_id : int, optional
        Id of the model; the newest by default.

    Returns
    -------
    Model

    Raises
    ------
    StoreError
        When there is no such model, or it is damaged.
    """
    if not isinstance(store, Store):
        with open_to_read(store) as opened:
            return load_model(opened, model_id)
    model = Packer(classes()).unpack(store.model_parts(model_id)[1])
    if not isinstance(model, Model):
        raise StoreError(f"the model in {store.path} is damaged: it holds a {type(model).__name__}")
    try:
        check_model(model)
    except Exception as error:  # parts of a wrong kind or shape make Python and numpy raise almost anything
        raise StoreError(f"the model in {store.path} is damaged: {_first_line(error)}") from error
    return model


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def choose_model(store: Store, source: str, config: Config) -> tuple[int, str | None]:
    """Choose the model to score by when the user names none.

    It is the newest that was fitted with these settings: to the same table, else to another one. Models with other
    settings are never chosen; a store may hold those of several tables and scans.

    Parameters
    ----------
    store : Store
        An open store.
    source : str
        Name of the table to be scored.
    config : Config
        Settings that the model must have been fitted with.

    Returns
    -------
    model_id : int
    note : str or None
        A warning when the model was fitted to another table.

    Raises
    ------
    StoreError
        When there is no model, or none with these settings.
    """
    rows = store.rows("SELECT model_id, source, config FROM models WHERE state IS NULL ORDER BY model_id DESC")
    if not rows:
        raise StoreError(f"there is no model in {store.path}: run `anomembed fit` first")
    wanted = _settings(config.model_dump(mode="json"))
    others = [(model_id, name, _settings(json.loads(text))) for model_id, name, text in rows]
    fitted = [(model_id, name) for model_id, name, settings in others if settings == wanted]
    for model_id, name in fitted:
        if name == source:
            return model_id, None
    if fitted:
        model_id, name = fitted[0]
        return model_id, f"model {model_id} was fitted on {name}, not on {source}; choose another with --model"
    model_id, _, nearest = next((other for other in others if other[1] == source), others[0])
    differ = [name for name in wanted if nearest[name] != wanted[name]]
    raise StoreError(
        f"no model in {store.path} was fitted with these settings (those of model {model_id} differ in "
        f"{', '.join(differ)}): run `anomembed fit` again, or choose one with --model"
    )


def _settings(config: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that determine a model, besides the records and the seed, by dotted name.

    Settings that older versions did not have get their defaults. The order of columns within a role, and the folder of
    a file, do not matter.
    """
    defaults = Config().model_dump(mode="json")
    settings: dict[str, Any] = {f"source.{name}": config["source"].get(name) for name in ("fit_where", "time_format")}
    for section in ("roles", "sequence", "reference", "tokens", "embedding", "detector"):
        for name, default in defaults[section].items():
            value = config.get(section, {}).get(name, default)
            settings[f"{section}.{name}"] = sorted(value) if section == "roles" else value
    vectors = settings["embedding.vectors"]
    return settings | {"embedding.vectors": vectors and Path(vectors).name}


def _token_table(model: Model) -> pl.DataFrame:
    names: list[str] = []
    labels: list[str] = []
    kinds: list[str] = []
    for column in model.vocabulary.columns:
        names += [column.name] * len(column.labels)
        labels += column.labels
        kinds += [special.name for special in Special] + ["value"] * (len(column.labels) - len(Special))
    width = model.embeddings.width
    ends = np.concatenate([_ends(column) for column in model.vocabulary.columns])
    return pl.DataFrame(
        {
            "token_id": pl.Series(range(len(names)), dtype=pl.Int32),
            "column_name": names,
            "token": labels,
            "kind": kinds,
            "n_records": model.vocabulary.counts(),
            "embedding": pl.Series(model.embeddings.vectors, dtype=pl.Array(pl.Float32, width)).cast(
                pl.List(pl.Float32)
            ),
            "context": pl.Series(model.embeddings.contexts, dtype=pl.Array(pl.Float32, width)).cast(
                pl.List(pl.Float32)
            ),
            "low": pl.Series(ends[:, 0], nan_to_null=True),
            "high": pl.Series(ends[:, 1], nan_to_null=True),
        }
    )


def _ends(column: ColumnTokens) -> NDArray[np.float64]:
    """Return both ends of every token of a column, shape (n_tokens, 2); NaN for what is no bin."""
    ends = np.full((len(column.labels), 2), np.nan)
    if column.kind.traits.is_number:
        edges = np.concatenate([[-np.inf], column.edges, [np.inf]])
        ends[FIRST_VALUE:] = np.column_stack([edges[:-1], edges[1:]])[: len(ends) - FIRST_VALUE]
    return ends


def _pair_table(model: Model) -> pl.DataFrame:
    """Return the pair counts; the pair of a token with itself has the count of the token."""
    pairs = sparse.coo_array(model.counts.together)
    token, other = pairs.coords
    kept = np.arange(pairs.nnz)
    if pairs.nnz > MOST_PAIRS:
        weight = np.where(token == other, np.inf, pairs.data)
        kept = np.sort(np.argsort(-weight, kind="stable")[:MOST_PAIRS])
    columns = {"token_id": token[kept].astype(np.int32), "other_id": other[kept].astype(np.int32)}
    return pl.DataFrame({**columns, "n_records": pairs.data[kept]})

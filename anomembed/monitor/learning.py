"""The model of a monitor: the newest that fits, or one that its first run learns."""

from dataclasses import replace
from typing import NamedTuple

from anomembed.config import Config
from anomembed.errors import StoreError
from anomembed.fit.model import check_embedding, find_roles, learn_model
from anomembed.model import Model
from anomembed.monitor.source import Source
from anomembed.pipeline import Watcher, flag_rule, learnt_where
from anomembed.read.vectors import read_wanted_vectors
from anomembed.score.detectors import check_detector
from anomembed.score.flags import FlagRule
from anomembed.write.feedback import correct_reference
from anomembed.write.models import choose_model, load_model
from anomembed.write.store import Store

DEFAULT_THRESHOLD = 1e-4  # tail probability


class Known(NamedTuple):
    """A model, its number in the store, None when it is not there yet, and the table that it is for."""

    model_id: int | None
    model: Model
    table: str


def reference_of(config: Config) -> str | None:
    """Return the condition of the records that the first run learns from; None when nothing says so."""
    return config.monitor.fit_where or config.source.fit_where


def find_model(store: Store, source: Source, watcher: Watcher, *, may_learn: bool) -> Known:
    """Return the newest model with these settings; without one, learn it, if that may be.

    Parameters
    ----------
    store : Store
        An open store.
    source : Source
        What is judged.
    watcher : Watcher
        Callbacks of a fit.
    may_learn : bool
        Whether this is a first run.

    Raises
    ------
    StoreError
        When there is no model, and nothing says from what to learn one.
    """
    config, name = source.config, source.name
    for fit_where in dict.fromkeys((reference_of(config), config.source.fit_where)):
        try:
            model_id, is_of_another = choose_model(store, name, learnt_where(config, fit_where))
        except StoreError as error:
            missing = error
        else:
            if may_learn and is_of_another and reference_of(config) is not None:
                continue  # it is of a configuration that shares the store
            return Known(model_id, load_model(store, model_id), name)
    if not may_learn:
        raise missing
    if reference_of(config) is None:
        raise StoreError(
            f"there is no model in {store.path} with these settings: run `anomembed fit` first, or say by fit_where in "
            "[monitor] which records the first run learns from"
        ) from missing
    return Known(None, _learn(store, source, watcher), name)


def _learn(store: Store, source: Source, watcher: Watcher) -> Model:
    """Learn a model; the table is closed as soon as it has been read."""
    config = learnt_where(source.config, reference_of(source.config))
    check_detector(config.detector.name)
    check_embedding(config)
    vectors = read_wanted_vectors(config.embedding.vectors)
    with source.opened() as table, watcher.learning() as progress:
        roles = find_roles(table, config)
        watcher.roles(roles)
        reference = correct_reference(store, table, roles, config.source.fit_where)
        watcher.reference(reference)
        corrected = learnt_where(config, reference.where)
        model = learn_model(table, corrected, roles=roles, vectors=vectors, progress=progress, when_read=table.close)
    watcher.model(model)
    return replace(model, config=learnt_where(model.config, config.source.fit_where))


def fitted_at(store: Store, model_id: int) -> int:
    """Return when a model was saved, as a position of time."""
    return int(store.rows("SELECT epoch_us(fitted_at) FROM models WHERE model_id = ?", [model_id])[0][0])


def rule_of(config: Config, model: Model) -> FlagRule:
    """Return the configured flag rule; by default, the lowest threshold that a model can count, or a low one.

    A budget would flag as many records in every run, however normal they are. A threshold that is lower than one in as
    many records as there were to calibrate on might never be reached.
    """
    flags = config.flags
    is_given = any(getattr(flags, name) is not None for name in ("alpha", "budget", "threshold"))
    lowest = max(DEFAULT_THRESHOLD, 1 / max(model.calibration.n_reference, 1))
    return flag_rule(config) if is_given else FlagRule("threshold", lowest)

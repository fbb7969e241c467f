"""A detector is one row in `OFFERS`: a toy detector from this file does all that the others do."""

import numpy as np
import polars as pl
import pytest

from anomembed import Config, fit_model, load_model, score_table
from anomembed.errors import ConfigError, StoreError
from anomembed.score.detectors import OFFERS, Offer, check_detector, choose_detector, fit_detector
from anomembed.score.keeping import dump_detector, load_detector
from anomembed.write.models import save_model
from anomembed.write.store import Store


class Toy:
    """Distance to the mean of a random half of the reference."""

    def __init__(self, factor=1.0, random_state=0):
        self.factor = factor
        self.random_state = random_state

    def fit(self, reference):
        rows = np.random.default_rng(self.random_state).permutation(len(reference))[: len(reference) // 2]
        self.mean_ = reference[rows].mean(axis=0)
        return self

    def decision_function(self, records):
        return self.factor * np.linalg.norm(records - self.mean_, axis=1)


@pytest.fixture
def registered(monkeypatch):
    """One row in `OFFERS`: the only place outside of the detector's own code."""
    monkeypatch.setitem(OFFERS, "toy", Offer(__name__, "Toy", 100, {"factor": 2.0}, is_seeded=True))


def pets():
    rng = np.random.default_rng(0)
    says = rng.choice(["purr", "meow"], 400)
    frame = pl.DataFrame({"id": range(400), "pet": ["cat", "dog"] * 200, "says": says, "age": rng.normal(5, 1, 400)})
    return frame.with_columns(says=pl.when(pl.col("pet") == "dog").then(pl.lit("woof")).otherwise("says"))


def fit(seed=0):
    return fit_model(pets(), config=Config(detector={"name": "Toy"}, seed=seed))


def toys(model):
    return [view.detector for view in model.views if isinstance(view.detector, Toy)]


def test_it_is_fitted_with_its_settings_in_every_view_that_is_not_a_sum(registered):
    model = fit(seed=3)
    assert len(toys(model)) == sum(not view.view.is_summed for view in model.views) > 1
    assert {(toy.factor, toy.random_state) for toy in toys(model)} == {(2.0, 3)}
    assert model.summary.detector == "Toy"
    assert not model.summary.notes


def test_it_is_fitted_to_so_many_records_as_its_row_says(registered):
    reference = np.arange(400, dtype=np.float32)[:, None]
    choice = choose_detector("TOY", clean=False, n_records=400, n_distinct=400)
    assert fit_detector(choice, reference, 0)[0].mean_ < 100


def test_it_scores(registered):
    model = fit()
    view = next(view for view in model.views if isinstance(view.detector, Toy))
    batch = model.encode(pets().rename(lambda name: f"value:{name}"))
    expected = 2 * np.linalg.norm(view.view.vectors(batch) - view.detector.mean_, axis=1)
    assert view.raw(batch) == pytest.approx(expected)


def test_it_is_saved_and_loaded_with_the_same_scores(registered, tmp_path):
    model = fit()
    with Store(tmp_path / "s.duckdb") as store, store.transaction():
        save_model(model, store)
    loaded = load_model(tmp_path / "s.duckdb")
    assert len(toys(loaded)) == len(toys(model))
    assert [vars(toy).keys() for toy in toys(loaded)] == [vars(toy).keys() for toy in toys(model)]
    assert score_table(loaded, pets()).frame.equals(score_table(model, pets()).frame)


def test_it_is_listed_and_suggested(registered):
    with pytest.raises(ConfigError, match=r"choose from auto, nearest, KNN, .*, Toy$"):
        check_detector("zzzzzz")
    with pytest.raises(ConfigError, match="did you mean 'Toy'"):
        check_detector("toyy")


def test_without_its_row_it_is_unknown_and_not_trusted():
    with pytest.raises(ConfigError, match="no such detector: Toy"):
        check_detector("Toy")
    with pytest.raises(StoreError, match=f"untrusted types: {__name__}.Toy"):
        load_detector(*dump_detector(Toy().fit(np.ones((4, 2)))))


def test_raw_scores_without_bound_are_refused(monkeypatch):
    monkeypatch.setitem(OFFERS, "toy", Offer(__name__, "Toy", 100, {"factor": 1e20}))
    choice = choose_detector("toy", clean=False, n_records=9, n_distinct=9)
    detector, note = fit_detector(choice, np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32), 0)
    assert type(detector).__name__ == "Nearest"
    assert note == "Toy is numerically unstable on these records (raw scores above 1e+12); nearest is used instead"

"""A learner is one row in `LEARNERS`: a toy learner from this file does all that the others do."""

import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from anomembed import Config, fit_model, load_model, score_table
from anomembed.config import make_config
from anomembed.errors import ConfigError
from anomembed.represent.embeddings.finishing import finish
from anomembed.represent.embeddings.fitting import find_fit
from anomembed.represent.learners import LEARNERS, Learner, check_method
from anomembed.write.models import save_model
from anomembed.write.store import Store

SETTINGS = {"embedding": {"method": "toy"}, "roles": {"key": ["id"]}}
ROW = 'LEARNERS["toy"] = Learner("toy", "random projections", print, reads=("window",), fits=("records",))'


def fit_toy(corpus, training, seed, progress=None):
    """Random projections of pair counts."""
    if progress is not None:
        progress(1, 1, 0.0)
    projection = np.random.default_rng(seed).standard_normal((corpus.size, training.width))
    return finish("toy", corpus, (np.log1p(corpus.counts.together) @ projection).astype(np.float32), None)


@pytest.fixture
def toy(monkeypatch):
    row = Learner("toy", "random projections of pair counts", fit_toy, fits=("records",), takes_vectors=False)
    monkeypatch.setitem(LEARNERS, "toy", row)


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    pet = rng.integers(0, 3, 400)
    says = np.where(rng.random(400) < 0.02, rng.integers(0, 3, 400), pet)
    return pl.DataFrame({"id": range(400), "pet": pet.astype(str), "says": says.astype(str)})


@pytest.mark.usefixtures("toy")
def test_one_row_fits_scores_saves_and_reloads(frame, tmp_path):
    model = fit_model(frame, config=Config(**SETTINGS))
    assert model.embeddings.method == "toy"
    assert model.embeddings.vectors.any()
    scores = score_table(model, frame)
    flagged = scores.flags.frame.join(frame, on="id")
    assert (flagged["pet"] != flagged["says"]).any()
    with Store(tmp_path / "store.duckdb") as store:
        kept = load_model(store, save_model(model, store))
    assert kept.embeddings.vectors.tobytes() == model.embeddings.vectors.tobytes()
    assert score_table(kept, frame).frame.equals(scores.frame)


@pytest.mark.usefixtures("toy")
def test_one_row_is_refused_where_it_does_not_fit():
    events = pl.DataFrame({"s": [0, 0, 1, 1], "o": [0, 1, 0, 1], "e": list("abab")})
    whole = {"sequence": {"key": "s", "order": ["o"], "event": ["e"]}, "embedding": {"method": "toy"}}
    with pytest.raises(ConfigError, match="embedding toy learns from single records"):
        fit_model(events, config=Config(**whole))
    with pytest.raises(ConfigError, match="embedding toy cannot start from imported vectors"):
        check_method("toy", is_ordered=False, has_vectors=True)
    with pytest.raises(ConfigError, match=r"embedding.method = 'toyy': no such embedding method.*did you mean 'toy'\?"):
        make_config({"embedding": {"method": "toyy"}})


@pytest.mark.usefixtures("toy")
def test_one_row_runs_from_the_command_line(run, frame, tmp_path):
    frame.write_parquet(tmp_path / "pets.parquet")
    assert run("scan", "pets.parquet", "--embedding", "toy", "--key", "id", "--quiet").code == 0
    compared = run("evaluate", "pets.parquet", "--key", "id", "--compare", "toy,random", "--format", "json")
    assert compared.code == 0
    assert '"toy"' in compared.out


def test_one_row_is_in_the_settings_and_the_help():
    """In a process of its own, because both are made when they are imported."""
    script = f"""
from anomembed.represent.learners import LEARNERS, Learner, check_method
{ROW}
from anomembed.config import EmbeddingConfig
from anomembed.cli import options
properties = EmbeddingConfig.model_json_schema()["properties"]
assert "toy" in properties["method"]["enum"]
assert properties["window"]["description"].endswith(", toy.")
assert options.METHODS.endswith(" or toy.")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", [name for name, row in LEARNERS.items() if not row.extra])
def test_the_function_of_a_row_is_there(name):
    assert callable(find_fit(LEARNERS[name]))
    assert LEARNERS[name].name == name
    assert "\n" not in LEARNERS[name].about

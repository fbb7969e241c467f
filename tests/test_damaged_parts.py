"""Each check of a model from a store refuses what it is there for, before compiled code sees it."""

import io
import zipfile
from dataclasses import fields, replace

import numpy as np
import polars as pl
import pytest
from scipy import sparse
from sklearn.ensemble import IsolationForest

from anomembed import fit_model
from anomembed.score.combine import CalibratedView
from anomembed.views.dependency import Rule
from anomembed.views.pair import PairView
from anomembed.write.checking import TOKEN_COLUMNS, _parts, check_model, check_sparse, load_arrays
from anomembed.write.checking_detectors import _parts as _parts_of
from anomembed.write.checking_detectors import check_detector

N = 200
FRAME = pl.DataFrame({"pet": [f"p{i % 5}" for i in range(N)], "shop": [f"s{i * 7 % 6}" for i in range(N)]})
FRAME = FRAME.with_columns(size=np.sin(np.arange(N)) * 9)


@pytest.fixture
def model():
    return fit_model(FRAME)


def archive(array, compression=zipfile.ZIP_STORED, cut=0):
    """An archive of one array, of which some bytes at the end are missing."""
    content, buffer = io.BytesIO(), io.BytesIO()
    np.save(content, array)
    with zipfile.ZipFile(buffer, "w", compression) as file:
        file.writestr("x.npy", content.getvalue()[: len(content.getvalue()) - cut])
    return buffer.getvalue()


def test_an_array_is_as_large_as_its_archive_says():
    assert load_arrays(archive(np.arange(9.0)), {})["x"].tolist() == list(range(9))
    for wrong in (archive(np.zeros(10**6), zipfile.ZIP_DEFLATED), archive(np.arange(9.0), cut=8)):
        with pytest.raises(ValueError, match=r"as large as it says|size is not what it says"):
            load_arrays(wrong, {})


@pytest.mark.parametrize(("indices", "indptr"), [([7], [0, 1, 1, 1]), ([-1], [0, 1, 1, 1]), ([0], [0, 10**9, 1, 1])])
def test_the_indices_of_counts_point_into_them(indices, indptr):
    matrix = sparse.csr_array(np.diag([1.0, 0, 0]))
    check_sparse(matrix)
    matrix.indices, matrix.indptr = np.array(indices, np.int32), np.array(indptr, np.int32)
    with pytest.raises(ValueError, match=r"ind|counts"):
        check_sparse(matrix)


SPOILT = {
    "codes": np.full(5, 10**6, np.int32),
    "negative codes": np.full(5, -1, np.int32),
    "counts": np.full(8, np.inf),
    "labels": tuple(range(8)),
    "n_records": -1,
    "edges": np.array([2.0, 1.0]),
}


@pytest.mark.parametrize("what", SPOILT)
def test_the_tokens_of_a_column_fit_together(model, what):
    check_model(model)
    pet = model.vocabulary.columns[0]
    assert (len(pet.codes), len(pet.labels)) == (5, 8)
    spoilt = replace(pet, **{what.split()[-1]: SPOILT[what]})
    columns = (spoilt, *model.vocabulary.columns[1:])
    with pytest.raises(ValueError, match=r"a column|a code|a token|a count|bins"):
        check_model(replace(model, vocabulary=replace(model.vocabulary, columns=columns)))


@pytest.mark.parametrize("place", [-2, 10**9])
def test_the_columns_of_a_view_are_there(model, place):
    named = [
        (part, field.name)
        for part in _parts(model)
        for field in fields(part)
        if field.name in TOKEN_COLUMNS and np.asarray(getattr(part, field.name)).size
        if np.asarray(getattr(part, field.name)).dtype.kind in "iu"
    ]
    assert named
    part, name = named[0]
    value = np.array(getattr(part, name))
    value.flat[0] = place
    object.__setattr__(part, name, value if isinstance(getattr(part, name), np.ndarray) else int(value))
    with pytest.raises(ValueError, match="is not there"):
        check_model(model)


@pytest.mark.parametrize(
    ("rows", "absent"),
    [
        (np.zeros, lambda n: np.zeros((1, 0), bool)),  # compiled code would read beyond it
        (np.zeros, lambda n: np.zeros((0, n), bool)),
        (np.zeros, lambda n: np.full((1, n), np.nan)),
        (lambda n, kind: np.full(n, -(2**31), kind), lambda n: np.zeros((1, n), bool)),
        (lambda n, kind: np.zeros(n - 1, kind), lambda n: np.zeros((1, n), bool)),
        (lambda n, kind: np.zeros(n, np.int64), lambda n: np.zeros((1, n), bool)),
    ],
)
def test_what_was_there_on_which_days_is_of_the_tokens(rows, absent):
    at = [f"2026-03-{1 + i % 28:02} {i % 24:02}:00" for i in range(N)]
    model = fit_model(FRAME.with_columns(at=pl.Series(at).str.to_datetime(), shop=pl.col("pet") + "s"))
    n_tokens = model.vocabulary.size
    (at_view,) = [at for at, judged in enumerate(model.views) if isinstance(judged.view, PairView)]
    check_model(model)
    judged = model.views[at_view]
    views = list(model.views)
    views[at_view] = replace(judged, view=replace(judged.view, rows=rows(n_tokens, np.int32), absent=absent(n_tokens)))
    with pytest.raises(ValueError, match="day"):
        check_model(replace(model, views=tuple(views)))


@pytest.mark.parametrize("n_more", [-1, 1])
def test_usual_shares_are_those_of_the_tokens(model, n_more):
    (at_view,) = [at for at, judged in enumerate(model.views) if isinstance(judged.view, PairView)]
    views = list(model.views)
    usual = sparse.csr_array((model.vocabulary.size + n_more, 3))
    views[at_view] = replace(views[at_view], view=replace(views[at_view].view, usual=usual))
    with pytest.raises(ValueError, match="usual shares"):
        check_model(replace(model, views=tuple(views)))


@pytest.mark.parametrize(("name", "to"), [("given", 10**6), ("told", -1), ("usual", np.full(5, 10**6, np.int32))])
def test_the_values_of_a_rule_are_there(name, to):
    tells = FRAME.with_columns(of=pl.format("of {}", "pet"), row=pl.int_range(pl.len()))
    model = fit_model(tells, config={"roles": {"key": ["row"]}})
    check_model(model)
    rule = next(part for part in _parts(model) if isinstance(part, Rule))
    object.__setattr__(rule, name, to)
    with pytest.raises(ValueError, match=r"is not there|has no token"):
        check_model(model)


def spoil(tree, name, to):
    """Change the first node of a tree."""
    state = tree.__getstate__()
    state["nodes"] = state["nodes"].copy()
    state["nodes"][name][0] = to
    tree.__setstate__(state)


@pytest.mark.parametrize(("name", "to"), [("left_child", 0), ("right_child", 10**6), ("feature", 10**6)])
def test_the_nodes_of_a_tree_lead_on(name, to):
    forest = IsolationForest(n_estimators=1, random_state=0).fit(FRAME.select("size").to_numpy())
    check_detector(forest)
    spoil(forest.estimators_[0].tree_, name, to)
    with pytest.raises(ValueError, match="contradicts itself"):
        check_detector(forest)


def test_the_detectors_of_a_model_are_checked():
    model = fit_model(FRAME, config={"detector": {"name": "IForest"}})
    check_model(model)
    detectors = [part.detector for part in _parts(model) if isinstance(part, CalibratedView)]
    forest = next(part for one in detectors for part in _parts_of(one) if isinstance(part, IsolationForest))
    spoil(forest.estimators_[0].tree_, "left_child", 0)
    with pytest.raises(ValueError, match="contradicts itself"):
        check_model(model)


def test_a_model_whose_scores_are_no_numbers_is_refused(model):
    calibration = model.calibration
    for field in fields(calibration):
        value = getattr(calibration, field.name)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            object.__setattr__(calibration, field.name, np.full_like(value, np.nan))
        elif isinstance(value, float):
            object.__setattr__(calibration, field.name, np.nan)
    with pytest.raises(Exception, match=r".") as error:
        check_model(model)
    assert type(error.value) is not AssertionError

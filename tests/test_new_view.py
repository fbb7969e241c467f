"""A view is one file and one entry in a list: a toy view of first digits does all that the others do."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest

import anomembed.views
from anomembed import Config, fit_model, load_model, scan, score_table
from anomembed.views.reason import Reason
from anomembed.views.view import Counting, Looks, ViewOfRecords
from anomembed.write.models import classes, save_model
from anomembed.write.packing import Packer
from anomembed.write.store import Store


@dataclass(frozen=True)
class FirstDigits(ViewOfRecords):
    """Records by how rare the first digit of their number is."""

    surprise: np.ndarray
    column: int
    name: str = "first digit"
    summary = "numbers that begin with a rare digit"
    words = {"first digit": "{subject} begins with {digit}, as {share:.0%} do"}
    looks_at = Looks.TOKENS | Looks.NUMBERS
    is_summed = True

    @classmethod
    def fit(cls, basis):
        digits = first_digits(basis.records.numbers[:, 0])
        share = (np.bincount(digits, minlength=10) + 0.5) / (len(digits) + 5)
        return [cls(-np.log(share), basis.vocabulary.names.index("amount"))]

    def counting(self, *, clean):
        return Counting("excess", 9.0)

    def vectors(self, batch):
        return self.surprise[first_digits(batch.numbers[:, 0])][:, None].astype(np.float32)

    def culprit(self, batch):
        return np.full(len(batch), self.column)

    def reason(self, case, shares, facts):
        digit = int(first_digits(case.numbers)[0])
        share = float(np.exp(-self.surprise[digit]))
        return Reason("first digit", facts.value(case, self.column), {"digit": digit, "share": share})


def first_digits(numbers):
    return np.array([int(f"{number:e}"[0]) for number in np.nan_to_num(numbers)])


@pytest.fixture
def registered(monkeypatch):
    """One entry in the list of views: the only place outside of the view's own code."""
    monkeypatch.setattr(anomembed.views, "RECORD_VIEWS", [*anomembed.views.RECORD_VIEWS, FirstDigits])


def bills():
    """Amounts that begin with 1 to 4; the one under id 77 begins with a 9."""
    rng = np.random.default_rng(0)
    amount = rng.uniform(1, 5, 3000).round(2) * 10.0 ** rng.integers(0, 4, 3000)
    amount[77] = 900.0
    return pl.DataFrame({"id": range(3000), "desk": [f"d{i}" for i in rng.integers(0, 4, 3000)], "amount": amount})


def test_a_view_is_fitted_flagged_and_explained(registered):
    found = scan(bills(), config=Config(flags={"budget": 1})).flags
    assert found.frame.select("id", "view").row(0) == (77, "first digit")
    assert found.frame["reason"][0] == "amount=900 begins with 9, as 0% do"
    assert found.reasons[0].subject.column == "amount"
    parts = found.contributions
    assert parts["contribution"].sum() == pytest.approx(found.frame["raw_score"][0])
    assert parts.sort("contribution")["view", "column_name"].row(-1) == ("first digit", "amount")


def test_a_view_is_kept_and_loaded_byte_for_byte(registered, tmp_path):
    model = fit_model(bills())
    with Store(tmp_path / "s.duckdb") as store, store.transaction():
        save_model(model, store)
    loaded = load_model(tmp_path / "s.duckdb")
    pack = Packer(classes()).pack
    assert pack(loaded) == pack(model)
    assert score_table(loaded, bills()).frame.equals(score_table(model, bills()).frame)


def test_a_view_counts_by_its_own_rule(registered):
    found = {v.view.name: (v.rule, v.weight) for v in fit_model(bills()).views}
    assert found["first digit"] == ("excess", 9.0)


def test_no_module_outside_asks_which_class_a_view_is():
    from pathlib import Path

    package = Path(anomembed.views.__file__).parents[1]
    names = {view.__name__ for view in (*anomembed.views.RECORD_VIEWS, *anomembed.views.SEQUENCE_VIEWS)}
    for file in package.rglob("*.py"):
        if file.parent.name != "views":
            assert not {name for name in names if name in file.read_text()}, file

import datetime as dt
import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomembed import Config, fit_model, load_model, scan, score_table
from anomembed.represent.attributes import find_attributes
from anomembed.represent.batch import make_batch
from anomembed.represent.counts import count_pairs
from anomembed.represent.embeddings.ppmi_svd import fit_ppmi_svd
from anomembed.represent.entities import Entities
from anomembed.represent.keys import distinct
from anomembed.represent.pooling import fit_pooling
from anomembed.represent.tokens.learning import category_tokens, number_tokens
from anomembed.represent.tokens.value_counts import count_values
from anomembed.represent.tokens.vocabulary import Vocabulary
from anomembed.views.joint import JointView
from anomembed.views.magnitudes import fit_magnitude
from anomembed.views.novelty import NoveltyView
from anomembed.views.number import NumberView
from anomembed.views.pair import PairView, fit_pairs
from anomembed.views.rarity import RarityView
from anomembed.views.record import RecordView
from anomembed.views.share import ShareView
from anomembed.views.view import Basis
from anomembed.write.models import save_model
from anomembed.write.store import Store

REFERENCE = np.random.default_rng(0).normal(50, 10, 3000)
SCORE = fit_magnitude(REFERENCE)


def learn(frame):
    """Vocabulary, counts and batch of a frame of text and numbers."""
    columns, numbers = [], tuple(frame.select(pl.col(pl.Float64)).columns)
    for values in frame:
        if values.name in numbers:
            columns.append(number_tokens(values.name, values.to_numpy(), 8))
        else:
            columns.append(category_tokens(values.name, count_values(values), 1))
    vocabulary = Vocabulary(tuple(columns))
    batch = make_batch(frame, vocabulary, numbers)
    rows, _, times = distinct(batch.tokens)
    return vocabulary, count_pairs(rows, times, vocabulary.size), batch


def basis_of(frame, *, clean=False, width=8):
    vocabulary, counts, batch = learn(frame)
    embeddings = fit_ppmi_svd(counts, width, 0)
    pooling = fit_pooling(vocabulary, embeddings, by_rarity=not clean)
    return Basis(batch, vocabulary, counts, embeddings, pooling, Entities(), clean, is_own=True, seed=0)


def fit(view, frame, **options):
    (found,) = view.fit(basis_of(frame, **options))
    return found


def all_views(frame):
    mixed, clean = basis_of(frame), basis_of(frame, clean=True)
    kinds = [RecordView, RarityView, NoveltyView, NumberView, JointView, PairView]
    views = [view for kind in kinds for view in kind.fit(mixed)]
    return mixed.vocabulary, mixed.records, [*views, *ShareView.fit(clean)]


@pytest.fixture(scope="module")
def shops():
    """What is sold, and its price, depend on the shop."""
    rng = np.random.default_rng(0)
    shop = rng.integers(0, 4, 1500)
    price = rng.normal(10, 1, 1500) * 10.0**shop
    price[::50] = np.nan
    frame = pl.DataFrame({"shop": shop.astype(str), "goods": (shop // 2).astype(str), "price": price})
    return frame.with_columns(day=pl.Series(rng.integers(0, 7, 1500).astype(str)))


def test_a_record_does_not_depend_on_its_batch(shops):
    _, batch, views = all_views(shops)
    for view in views:
        together = view.vectors(batch[:300])
        assert together.dtype == np.float32
        alone = np.concatenate([view.vectors(batch[i : i + 1]) for i in range(300)])
        assert alone.tobytes() == together.tobytes(), view.name
        assert view.vectors(batch[:0]).shape == (0, together.shape[1])


def test_vectors_are_finite_whatever_the_record(shops):
    vocabulary, _, views = all_views(shops)
    wild = [np.inf, -np.inf, np.nan, 1.7e308, -1.7e308, 5e-324]
    odd = pl.DataFrame({"shop": ["0", None, "x"] * 2, "goods": ["y"] * 6, "price": wild, "day": [None, "z"] * 3})
    batch = make_batch(odd, vocabulary, ("price",))
    assert all(np.isfinite(view.vectors(batch)).all() for view in views)


def test_records_with_unseen_values_are_far_from_all_others(shops):
    vocabulary, batch, views = all_views(shops)
    odd = make_batch(shops[:1].with_columns(shop=pl.lit("new")), vocabulary, ("price",))
    known, new = views[0].vectors(batch), views[0].vectors(odd)[0]
    gaps = np.linalg.norm(known[:, None] - known[None, :200], axis=2)
    assert known[:, -1].max() == 0 < new[-1]
    assert np.linalg.norm(known - new, axis=1).min() > np.median(gaps)


def test_a_record_is_the_weighted_mean_of_its_tokens(shops):
    vocabulary, counts, batch = learn(shops)
    embeddings = fit_ppmi_svd(counts, 4, 0)
    tokens = batch.tokens[0]
    plain = fit(RecordView, shops, clean=True, width=4).vectors(batch[:1])[0]
    assert np.allclose(plain[:-1], embeddings.vectors[tokens].mean(axis=0), atol=1e-6)
    weighted = fit(RecordView, shops, width=4).vectors(batch[:1])[0]
    expected = np.average(embeddings.vectors[tokens], axis=0, weights=vocabulary.surprise()[tokens])
    assert np.allclose(weighted[:-1], expected, atol=1e-6)


def test_shares_are_surprises_that_do_not_add_up():
    basis = basis_of(pl.DataFrame({"a": ["x"] * 7 + ["y"] * 3, "b": ["p", "q"] * 5}), clean=True)
    (shares,) = ShareView.fit(basis)
    assert shares.vectors(basis.records)[[0, 9], 0] == pytest.approx(-np.log([7.5 / 11, 3.5 / 11]))
    assert not shares.is_summed
    assert RarityView.fit(basis) == []


@pytest.mark.parametrize("single", [0, 3, 30])
def test_rarities_add_up_where_hardly_any_value_was_seen_once(single):
    names = [f"n{i}" for i in range(single)] + ["x", "y"] * 500
    basis = basis_of(pl.DataFrame({"a": names[:1000], "b": ["p", "q"] * 500}))
    assert [len(view.fit(basis)) for view in (RarityView, ShareView)] == [single < 5, single > 5]


def test_what_an_entity_always_has_is_no_rarity():
    """The town follows from who acts; the shop does not. A new town is news."""
    rng = np.random.default_rng(0)
    who = rng.choice(20, 2000, p=np.r_[0.005, [0.995 / 19] * 19])
    shop = rng.integers(0, 4, 2000).astype(str)
    frame = pl.DataFrame({"who": who.astype(str), "town": (who // 2).astype(str), "shop": shop})
    basis = basis_of(frame)
    attributes = find_attributes(basis.vocabulary, basis.counts, [0])
    assert attributes == (0, 1)
    assert find_attributes(basis.vocabulary, basis.counts, []) == ()
    assert find_attributes(*learn(frame.select("who", "town"))[:2], [0]) == ()  # nothing would be left
    (rarity,) = RarityView.fit(replace(basis, attributes=attributes))
    odd = pl.DataFrame({"who": ["0", "new"], "town": ["0", "new"], "shop": ["0", "0"]})
    known, new = rarity.vectors(make_batch(odd, basis.vocabulary, ()))
    assert known[:2].tolist() == [0, 0] < new[:2].tolist()
    assert known[2] == new[2] > 0


@pytest.mark.parametrize(("whose", "is_attribute"), [("anybody's", False), ("the administrators'", True)])
def test_what_nearly_all_records_have_is_an_attribute_only_if_who_acts_tells_the_exceptions(whose, is_attribute):
    who = np.arange(4000) % 200
    is_root = who == 7 if is_attribute else np.random.default_rng(0).random(4000) < 0.005
    frame = pl.DataFrame(
        {"who": who.astype(str), "root": is_root.astype(str), "shop": (np.arange(4000) // 200).astype(str)}
    )
    basis = basis_of(frame)
    assert find_attributes(basis.vocabulary, basis.counts, [0]) == ((0, 1) if is_attribute else (0,)), whose


def test_a_value_is_as_new_as_its_column_makes_it():
    """One odd status in 1,000 says much; one more address, where every tenth record has its own, says little."""
    status = ["ok"] * 989 + ["late"] * 10 + ["odd"]
    address = [f"own{i}" for i in range(100)] + ["common"] * 900
    basis = basis_of(pl.DataFrame({"status": status, "address": address}))
    (novelty,) = NoveltyView.fit(basis)
    rows = pl.DataFrame(
        {"status": ["ok", "late", "odd", "new", "ok", "ok"], "address": ["common"] * 4 + ["own7", "new"]}
    )
    nats = novelty.vectors(make_batch(rows, basis.vocabulary, ()))[:, 0]
    chances = [11.5 / 1001, 1.5 / 1001, 1.5 / 1001, 100.5 / 1001, 100.5 / 1001]
    assert nats[0] == 0
    assert nats[1:] == pytest.approx(-np.log(chances) - np.log(2))  # of two columns


def test_a_value_that_stands_apart_from_frequent_ones_counts_twice_where_the_reference_is_mixed():
    """In the first column values become rarer by and by, to one that is there once as well."""
    by_and_by = [f"v{i}" for i in range(6) for _ in range(4**i)]
    frame = pl.DataFrame({"a": by_and_by, "b": ["odd", *["usual"] * (len(by_and_by) - 1)]})
    nats = -np.log(1.5 / (len(frame) + 1)) - np.log(2)  # of two columns
    for clean, of_odd in ((False, 2 * nats - 4), (True, nats)):
        basis = basis_of(frame, clean=clean)
        (novelty,) = NoveltyView.fit(basis)
        rows = make_batch(pl.DataFrame({"a": ["v0", "v5"], "b": ["usual", "odd"]}), basis.vocabulary, ())
        assert novelty.vectors(rows)[:, 0] == pytest.approx([nats, of_odd])


def test_coupled_rarity_is_the_published_walk():
    frame = pl.DataFrame({"a": ["x"] * 7 + ["y"] * 3, "b": ["p"] * 6 + ["q"] * 4})  # x meets p 6 times and q once
    basis = basis_of(frame)
    (rarity,) = RarityView.fit(basis)
    delta = np.array([(0 + 3 / 10) / 2, (4 / 7 + 3 / 10) / 2, (0 + 4 / 10) / 2, (2 / 6 + 4 / 10) / 2])  # x y p q
    meets = np.array([[0, 0, 6, 1], [0, 0, 0, 3], [6, 0, 0, 0], [1, 3, 0, 0]]) / [7, 3, 6, 4]  # share of the column's
    step = meets * delta
    step /= step.sum(axis=1, keepdims=True)
    walk = np.full(4, 0.25)
    for _ in range(1000):
        walk = 0.05 / 4 + 0.95 * walk @ step
    expected = walk * np.repeat([walk[:2].sum(), walk[2:].sum()], 2)
    found = rarity.rarity[[3, 4, 8, 9]]
    assert found / found.sum() == pytest.approx(expected / expected.sum(), rel=1e-4)
    assert rarity.vectors(basis.records).sum(axis=1).mean() == pytest.approx(1)
    assert rarity.rarity[[0, 1, 2, 5, 6, 7]] == pytest.approx(found.max())  # what the reference does not have


def test_a_single_column_is_judged_by_surprise():
    basis = basis_of(pl.DataFrame({"a": ["x"] * 999 + ["y"]}))
    rarity = RarityView.fit(basis)[0].vectors(basis.records)[:, 0]
    assert rarity[-1] > 10 * rarity[0]


@given(st.lists(st.floats(allow_nan=False), min_size=2, max_size=20))
def test_magnitudes_follow_the_order_of_numbers(numbers):
    score = SCORE(np.sort(numbers))
    assert (np.diff(score) >= 0).all()
    assert np.isfinite(score).all()


def test_magnitudes_of_ordinary_far_and_missing_numbers():
    middle, low, high, beyond, farther, missing = SCORE(np.array([50, 20, 80, 150, 1500, np.nan]))
    assert abs(middle) < 0.1
    assert low == pytest.approx(-high, rel=0.15)
    assert high < beyond < farther < 20
    assert missing == 0


@pytest.mark.parametrize("reference", [[5.0], [5.0, 5.0], [np.nan], [1e308, -1e308], [0, 5e-324], [np.inf, 1.0]])
def test_magnitudes_of_meagre_references(reference):
    score = fit_magnitude(np.array(reference))(np.array([-np.inf, -1e300, 0, 1e-300, 1e300, np.inf]))
    assert np.isfinite(score).all()
    assert (np.diff(score) >= 0).all()
    assert score[0] < score[-1]


def test_missing_numbers_are_counted(shops):
    _, batch, views = all_views(shops)
    missing = views[3].vectors(batch)[:, -1]
    assert (missing > 0).tolist() == np.isnan(batch.numbers[:, 0]).tolist()


def test_a_number_is_far_from_those_in_its_company(shops):
    vocabulary, batch, views = all_views(shops)
    joint, usual = views[4], shops.filter(pl.col("shop") == "0", pl.col("price").is_finite())[:1]
    odd = make_batch(pl.concat([usual, usual.with_columns(price=pl.lit(1e4))]), vocabulary, ("price",))
    near, far = (np.linalg.norm(joint.vectors(batch) - vector, axis=1).min() for vector in joint.vectors(odd))
    assert far > 3 * near + 0.3
    number = views[3]  # which knows no company
    near, far = (np.linalg.norm(number.vectors(batch) - vector, axis=1).min() for vector in number.vectors(odd))
    assert max(near, far) < 0.05


def test_records_are_as_far_apart_as_they_have_different_values():
    """By the sum of rotated embeddings of length 1: the squared distance grows by about 2 with every unlike value."""
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({name: rng.integers(0, 5, 900).astype(str) for name in "abcdef"})
    frame = frame.with_columns(n=pl.Series(rng.normal(size=900)))
    joint = fit(JointView, frame)
    batch = basis_of(frame).records
    values = joint.vectors(batch)[:, 2:]
    squared = ((values[:300, None] - values[None, 300:600]) ** 2).sum(axis=2)
    unlike = (batch.tokens[:300, None, :6] != batch.tokens[None, 300:600, :6]).sum(axis=2)
    means = [squared[unlike == n].mean() for n in range(7)]
    assert means[0] == pytest.approx(0, abs=1e-6)
    assert np.diff(means) == pytest.approx([2] * 6, rel=0.5)


def test_units_make_no_difference():
    cents = fit_magnitude(100 * REFERENCE)
    assert cents(100 * REFERENCE[:50]) == pytest.approx(SCORE(REFERENCE[:50]), abs=1e-4)
    even = np.random.default_rng(0).uniform(0, 1e5, 3000)
    near_zero, middle, beyond = fit_magnitude(even)(np.array([100.0, 5e4, 1e7]))
    assert abs(near_zero) < 3 < beyond  # it is not orders of magnitude below the rest
    assert abs(middle) < 0.5


def test_the_largest_conflict_is_the_planted_one(shops):
    vocabulary, counts, batch = learn(shops)
    view = fit(PairView, shops)
    odd = shops.filter(shop="0")[:1].with_columns(goods=pl.lit("1"))
    tokens = make_batch(odd, vocabulary, ("price",)).tokens
    assert view.worst(tokens).tolist() == [[0, 1]]
    expected = counts.single[tokens[0, 0]] * counts.single[tokens[0, 1]] / counts.n_records
    largest = view.vectors(make_batch(odd, vocabulary, ("price",)))[0]
    assert largest[0] == pytest.approx(np.log(expected + 1))  # the shop tells the goods: shrunk by the least, 1
    assert largest[0] > largest[1] >= largest[2] >= 0
    assert np.median(view.vectors(batch)[:, 0]) < 0.2


def test_conflicts_by_hand():
    frame = pl.DataFrame({"a": ["x"] * 8 + ["y"] * 8, "b": ["p"] * 6 + ["q"] * 2 + ["p"] * 2 + ["q"] * 6})
    vocabulary, counts, batch = learn(frame)
    pairs = fit_pairs(vocabulary, counts)
    beside = np.tile(np.arange(vocabulary.size, dtype=np.int32)[:, None], 2)
    conflicts = PairView(pairs, counts, np.array([[2.0, 6.0]]), 1.0, 1.0, beside).vectors(batch)
    # 1 other where chance has 4, and the prior is worth 2 records with a chance of a half
    assert conflicts[:, 0] == pytest.approx([0] * 6 + [np.log(5 / 2)] * 4 + [0] * 6)
    assert not conflicts[:, 1:].any()


def test_columns_that_do_not_depend_on_each_other_cannot_conflict():
    frame = pl.DataFrame({"a": ["x", "x", "y", "y"] * 5, "b": ["p", "q"] * 10})
    assert PairView.fit(basis_of(frame)) == []
    assert PairView.fit(basis_of(frame.select("a"))) == []


def test_counts_that_differ_by_chance_are_no_conflict():
    """Of 160 pairs of values that have nothing to do with each other, some meet far less often than expected."""
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"a": rng.integers(20, size=600).astype(str), "b": rng.integers(8, size=600).astype(str)})
    basis = basis_of(frame)
    single, met = basis.counts.single, basis.counts.together.toarray()
    chance = np.outer(single, single) / 600
    tokens = basis.records.tokens
    assert (chance > 3 * met)[tokens[:, 0], tokens[:, 1]].any()
    (view,) = PairView.fit(basis)
    assert view.concentrations.min() > 100
    assert not view.vectors(basis.records).any()


def test_a_broken_rule_is_a_conflict():
    """A code tells the place; one record breaks the rule, and columns that have nothing to do with it stay silent."""
    rng = np.random.default_rng(0)
    code = rng.integers(0, 60, 3000)
    place = code % 5
    place[7] = (place[7] + 1) % 5
    frame = pl.DataFrame({"code": code.astype(str), "place": place.astype(str)})
    frame = frame.with_columns(x=pl.Series(rng.integers(0, 9, 3000).astype(str)))
    basis = basis_of(frame)
    (view,) = PairView.fit(basis)
    assert view.concentrations[0].min() < 0.1 < 100 < view.concentrations[1:].min()
    conflicts = view.vectors(basis.records)[:, 0]
    assert conflicts[7] > 2
    assert np.count_nonzero(conflicts) == 1


def test_the_weekday_on_which_a_month_begins_is_no_conflict():
    """In three months, most weekdays are no first day; what is sold on which is another matter."""
    days = pl.datetime_range(dt.datetime(2026, 1, 1), dt.datetime(2026, 3, 31, 23), "1h", eager=True).alias("at")
    frame = pl.DataFrame({"id": range(len(days)), "at": days, "what": ["tea", "milk"] * (len(days) // 2)})
    model = fit_model(frame)
    names = model.vocabulary.names
    assert {"at weekday", "at part of month"} < set(names)
    pairs = next((v.view.pairs for v in model.views if v.view.name == "pair"), np.empty((0, 2), int))
    assert {"at weekday", "at part of month"} not in [{names[a], names[b]} for a, b in pairs]


def test_the_edge_of_a_range_is_no_conflict():
    """Prices of two kinds overlap; the dearest food is in the range below that of most books, and far from the top."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 4000)
    price = np.where(kind, rng.uniform(100, 200, 4000), rng.uniform(0, 106, 4000))
    frame = pl.DataFrame({"kind": np.where(kind, "books", "food"), "price": price})
    basis = basis_of(frame)
    (view,) = PairView.fit(basis)
    odd = frame[:2].with_columns(kind=pl.lit("food"), price=pl.Series([105.0, 190.0]))
    edge, far = view.vectors(make_batch(odd, basis.vocabulary, ("price",)))[:, 0]
    assert far > 3
    assert edge < far / 3


@pytest.fixture(scope="module", params=[False, True], ids=["mixed", "clean"])
def log(request):
    """Who may do what where, and how long it takes; and a model of it."""
    rng = np.random.default_rng(0)
    who, action = rng.integers(0, 40, 4000), rng.choice(5, 4000, p=[0.5, 0.3, 0.1, 0.09, 0.01])
    place = np.where(rng.random(4000) < 0.9, who % 7, rng.integers(0, 7, 4000))
    frame = pl.DataFrame({"id": range(4000), "who": who, "place": place, "action": action})
    frame = frame.with_columns(pl.col("who", "place", "action").cast(pl.String))
    frame = frame.with_columns(seconds=pl.Series(rng.lognormal(1 + action / 2, 0.5)))
    return frame, fit_model(frame, config=Config(reference={"clean": request.param}))


def raw_scores(model, frame):
    scores = score_table(model, frame).frame
    return frame.select("id").join(scores, on="id", how="left", maintain_order="left")["raw_score"].to_numpy()


@given(row=st.integers(0, 3999), new=st.sets(st.sampled_from(["who", "place", "action"]), max_size=2))
def test_what_was_never_seen_never_makes_a_record_look_less_odd(log, row, new):
    frame, model = log
    rest = [name for name in ("who", "place", "action") if name not in new]
    rows = pl.concat([frame[[row]].with_columns(pl.lit("never").alias(name) for name in new)] * (1 + len(rest)))
    odder = [pl.when(pl.int_range(pl.len()) == at + 1).then(pl.lit("never")).otherwise(name).alias(name)
             for at, name in enumerate(rest)]  # fmt: skip
    before, *after = raw_scores(model, rows.with_columns(*odder, id=pl.int_range(pl.len())))
    assert min(after) > before


@given(row=st.integers(0, 3999), times=st.lists(st.floats(1.01, 1e6), min_size=4, max_size=4))
def test_a_number_beyond_all_others_only_looks_odder_farther_out(log, row, times):
    frame, model = log
    farther = frame["seconds"].max() * np.cumprod(times)
    rows = pl.concat([frame[[row]]] * 4).with_columns(seconds=pl.Series(farther), id=pl.int_range(pl.len()))
    assert (np.diff(raw_scores(model, rows)) >= 0).all()


def test_the_lowest_tail_is_that_of_a_record_of_which_nothing_was_ever_seen(log):
    frame, model = log
    odd = frame[:1].with_columns(*(pl.lit("never").alias(x) for x in ("who", "place", "action")), seconds=1e150)
    assert score_table(model, odd).frame["tail_probability"][0] == pytest.approx(model.lowest_tail(), rel=0.2)


HOW_MANY = ("who", 20), ("room", 12)  # of each team
LINKED = {"roles": {"entity": ["who"], "key": ["id"]}, "embedding": {"method": "graph"}, "flags": {"budget": 5}}


def communities(n=1500, seed=3):
    """Teams with rooms and tools of their own; who is in which team is in no column."""
    rng = np.random.default_rng(seed)
    team, person = rng.integers(0, 3, n), rng.integers(0, 20, n)
    names = {"who": (person, 20), "room": (rng.integers(0, 12, n), 12), "tool": (rng.integers(0, 12, n), 12)}
    return pl.DataFrame(
        {"id": range(n), **{c: [f"{c}{t}_{i}" for t, i in zip(team, x[0], strict=True)] for c, x in names.items()}}
    )


@pytest.fixture(scope="module")
def linked():
    """Communities, and the model of them by the graph."""
    frame = communities()
    return frame, fit_model(frame, config=Config(**LINKED))


def never_met(frame):
    """People with a room that they never used, a tool of their team, and whether the room is another team's."""
    met = set(frame.select("who", "room").iter_rows())
    people, rooms = ([(team, f"{of}{team}_{i}") for team in range(3) for i in range(n)] for of, n in HOW_MANY)
    new = [(who, room, f"tool{a}_1", a != b) for a, who in people for b, room in rooms if (who, room) not in met]
    return pl.DataFrame(new, schema=["who", "room", "tool", "across"], orient="row")


def test_what_is_new_to_somebody_is_nearer_when_it_is_like_the_usual(linked):
    frame, model = linked
    habit = next(judged.view for judged in model.views if judged.view.name == "habit")
    cases = never_met(frame)
    distance = habit.vectors(make_batch(cases, model.vocabulary, ()))[:, 1]
    across = cases["across"].to_numpy()
    assert (distance[across][:, None] > distance[~across]).mean() > 0.75  # .5 by chance


def test_the_weakest_link_is_the_one_to_another_community(linked):
    """A pair that never met is likely within a community and unlikely across; counts cannot tell which is which."""
    frame, model = linked
    link = next(judged for judged in model.views if judged.view.name == "link")
    cases = never_met(frame)
    batch = make_batch(cases, model.vocabulary, ())
    raw, across = link.raw(batch), cases["across"].to_numpy()
    assert (raw[across][:, None] > raw[~across]).mean() > 0.95
    names = model.vocabulary.names
    assert np.mean([names[column] == "room" for column in link.view.culprit(batch)[across]]) > 0.9
    assert {names[column] for column in link.view.entity(batch)} == {"who"}


def test_links_have_a_reason_survive_the_store_and_need_an_entity(linked, tmp_path):
    frame, model = linked
    odd = pl.DataFrame({"id": [-1], "who": ["who0_1"], "room": ["room2_2"], "tool": ["tool0_1"]})
    flags = score_table(model, pl.concat([frame, odd])).flags
    assert -1 in flags.frame["id"]
    reasons = flags.frame.filter(view="link")["reason"]
    assert len(reasons)
    assert reasons.str.contains("with who=who|by who=who").all()
    for reason in reasons:  # what is unusual is not what is usual
        value = reason.split("=", 1)[1].split(" ")[0]
        assert value not in re.sub(r" \([\d,]+\)", "", reason.partition("usually: ")[2]).split(", ")
    sums = flags.contributions.group_by("rank").agg(pl.col("contribution").sum()).sort("rank")["contribution"]
    assert sums.to_numpy() == pytest.approx(flags.frame["raw_score"].to_numpy())
    with Store(tmp_path / "s.duckdb") as store, store.transaction():
        save_model(model, store)
    again = score_table(load_model(tmp_path / "s.duckdb"), frame).frame
    assert again.equals(score_table(model, frame).frame)
    for other in ({"roles": {"key": ["id"]}, "embedding": {"method": "graph"}}, {"roles": {"entity": ["who"]}}):
        assert "link" not in [judged.view.name for judged in fit_model(frame[:300], config=Config(**other)).views]


@pytest.mark.parametrize("seed", range(3))
def test_a_value_that_is_there_once_among_frequent_ones_comes_before_the_ends_of_a_range(seed):
    rng = np.random.default_rng(seed)
    what = np.array([f"w{i}" for i in range(20)])[rng.integers(0, 20, 2000)].astype(object)
    what[700] = "dropdb"
    frame = pl.DataFrame({"id": np.arange(2000), "who": rng.choice([*"abc"], 2000), "what": what.astype(str)})
    flags = scan(frame.with_columns(x=rng.normal(50, 10, 2000)), config={"flags": {"budget": 3}}).flags.frame
    assert 700 in flags["id"].to_list()

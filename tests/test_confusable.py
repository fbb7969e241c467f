"""A value that reads like a frequent one is told; where many values read like one another, it is not."""

import random
import re
from itertools import product

import numpy as np
import polars as pl
import pytest

from anomembed import fit_model, scan, score_table
from anomembed.config import Config
from anomembed.represent.tokens.confusables import FEW, LEAST_TIMES, PRIOR, Confusables, fold, learn_confusable

N = 4_000
KEY = {"key": ["id"]}
SYLLABLES = [a + b + c for a, b, c in product("bdfgklmnprst", "aeiou", ("", "n", "r", "l"))]


def name(rng, least=3):
    return "".join(rng.choice(SYLLABLES) for _ in range(rng.randint(least, 4))).title()


def purchases(odd, seed=0, names=None):
    """Purchases from forty suppliers, two hundred others once each, and those of `odd` once, which come last."""
    rng, draw = random.Random(seed), np.random.default_rng(seed)
    names = names or ["Northwind", *sorted({name(rng) for _ in range(400)})]
    rng.shuffle(names[1:])
    shares = 1 / np.arange(1, 41)
    usual = draw.choice(names[:40], N - 200 - len(odd), p=shares / shares.sum()).tolist()
    frame = pl.DataFrame(
        {
            "id": range(N),
            "supplier": [*usual, *names[40:240], *odd],
            "site": draw.choice(["Bern", "Chur", "Genf"], N),
            "amount": draw.lognormal(5, 1, N).round(2),
        }
    )
    return frame.sample(fraction=1, shuffle=True, seed=seed), set(range(N - len(odd), N))


@pytest.mark.parametrize(
    ("text", "is_mistaken"),
    [
        ("Nortwhind", True),
        ("Northwnd", True),
        ("Northwinnd", True),
        ("Northwink", True),
        ("N0rthw1nd", True),
        ("Nоrthwind", True),  # noqa: RUF001  # one letter is Cyrillic
        ("North-wind", True),
        ("Nórthwínd", True),
        ("NORTHWIND ", False),
        ("Northwind", False),
        ("Notrhwnid", False),  # swapped twice
        ("Northwi", False),
        ("Southwind", False),
        ("", False),
    ],
)
def test_what_reads_like_a_name(text, is_mistaken):
    assert (Confusables(["Northwind"], np.array([50.0])).find(text) == 0) is is_mistaken


@pytest.mark.parametrize("text", ["Firestones", "Greenwater"])
def test_two_letters_that_are_swapped_anywhere(text):
    swapped = [text[:at] + text[at + 1] + text[at] + text[at + 2 :] for at in range(len(text) - 1)]
    known = Confusables([text], np.array([50.0]))
    assert [known.find(other) for other in swapped] == [0 if other != text else -1 for other in swapped]


@pytest.mark.parametrize(
    ("name", "text", "is_mistaken"),
    [
        ("s3.amazonaws.com", "ce.amazonaws.com", False),
        ("iam.amazonaws.com", "ram.amazonaws.com", False),
        ("s3.amazonaws.com", "s3.amazonavs.com", True),
        ("acme limited", "acne limited", True),
        ("team north a", "team north b", False),
    ],
)
def test_short_words_are_told_apart_however_long_the_name(name, text, is_mistaken):
    assert (Confusables([name], np.array([50.0])).find(text) == 0) is is_mistaken


def test_digits_number_things():
    known = Confusables(["server-17a", "paypal", "No. B"], np.full(3, 50.0))
    texts = ["server-18a", "server-117a", "server-a", "paypa1", "No. D", "12345678"]
    assert [known.find(text) for text in texts] == [-1, -1, -1, 1, -1, -1]
    assert fold("rnodern.vvorld") == fold("modern.world")
    assert fold("a" * 81) == fold("Ab1") == ""


def edits(word):
    """All words that are one edit away, with the letters of which the words here are made."""
    parts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    left = {a + b[1:] for a, b in parts if b}
    added = {a + sign + b for a, b in parts for sign in "abx"}
    changed = {a + sign + b[1:] for a, b in parts for sign in "abx" if b}
    swapped = {a + b[1] + b[0] + b[2:] for a, b in parts if len(b) > 1}
    return (left | added | changed | swapped) - {word}


def test_what_is_found_is_one_edit_away():
    rng = random.Random(0)
    words = ["".join(rng.choice("abx") for _ in range(rng.randint(6, 8))) for _ in range(2000)]
    known, near = Confusables(words[:1], np.array([50.0])), edits(words[0])
    assert [known.find(word) == 0 for word in words] == [word in near for word in words]
    assert all(known.find(word) == 0 for word in near)
    assert known.find(words[0]) == -1


def test_evidence_is_how_few_read_like_another():
    names = ["Northwind", "Lakeshore", "Firestone", "Nortwhind", "Maplewood", "Riverbank"]
    times = [90.0, 60, 30, 1, 1, 1]

    def evidence(names, times):
        return learn_confusable(pl.Series(names), np.array(times))

    assert evidence(names, times) == pytest.approx(-np.log(PRIOR / 7)), "one may be what is looked for"
    some = [*names, "Northwin", "Lakeshor", "Firestne"]
    assert evidence(some, [*times, 1, 1, 1]) == pytest.approx(-np.log((4 - FEW + PRIOR) / 10)), "so many are not"
    assert evidence([*names, "Northwin"], [*times[:3], 9, 1, 1, 9]) == pytest.approx(-np.log((2 + PRIOR) / 8)), "often"
    assert evidence(["Northwind A", "Northwint A"], [90, 80]) == pytest.approx(-np.log((2 + PRIOR) / 3)), "both are"
    assert evidence(names, [LEAST_TIMES - 1] * 6) == 0, "none is frequent"
    assert evidence(["1234567", "1234568"], [90, 1]) == 0, "none has letters"


def test_the_other_value_must_be_much_more_frequent():
    known = Confusables(["Northwind", "Lakeshore"], np.array([100.0, 40]))
    texts = pl.Series(["Northwin", "Northwin", "Lakeshor", "Lakeshor", None])
    assert known.times(texts, np.array([5.0, 6, 2, 3, 0])).tolist() == [100, 0, 40, 0, 0]


@pytest.mark.parametrize("clean", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_what_reads_like_a_supplier_comes_first(seed, clean):
    frame, odd = purchases(["Nortwhind", "Northwnd"], seed)
    config = Config(roles=KEY, flags={"budget": 2}, reference={"clean": clean})
    if clean:
        model = fit_model(frame.filter(~pl.col("id").is_in(odd)), config=config)
        flags = score_table(model, frame).flags.frame
    else:
        flags = scan(frame, config=config).flags.frame
    assert set(flags["id"]) == odd
    n = frame.height - len(odd) * clean
    times = frame.filter(pl.col("supplier") == "Northwind").height
    said = rf"supplier=\w+ may be mistaken for Northwind, which {times:,} of {n:,} records have"
    assert all(re.fullmatch(said, reason) for reason in flags["reason"]), flags["reason"].to_list()


def views(frame):
    return {each.view.name for each in fit_model(frame, config=Config(roles=KEY)).views}


def test_where_many_read_like_another_it_is_no_evidence():
    names = [f"Plant Mol{a}{b}" for a, b in product("ABCDEFGHIJKLMNOPQRS", repeat=2)]
    frame, _ = purchases(["Plant MolAX", "Plant MolBY"], names=names)
    flags = scan(frame, config={"roles": KEY, "flags": {"budget": 100}}).flags.frame
    assert not flags["reason"].str.contains("mistaken").any()
    assert "confusable" not in views(frame)
    assert "confusable" in views(purchases(["Nortwhind"])[0])


def test_it_is_explained_with_the_smallest_change(tmp_path, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame, odd = purchases(["N0rthw1nd"])
    frame.write_parquet("purchases.parquet")
    done = run("scan", "purchases.parquet", "--key", "id", "--budget", "1")
    assert "supplier=N0rthw1nd may be mistaken for Northwind, which" in done.out
    told = run("explain", *odd).out
    assert re.search(r"^confusable +█", told, re.MULTILINE)
    assert "Normal with supplier=" in told

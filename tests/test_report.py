"""The page of a run: it says what the store says, and hostile values stay text."""

import json
import re
import shutil
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from databases import ask
from pages import HOSTILE, PETS, change, many_flags, page
from scanned import scan_in

from anomembed.report.charts import chart_of_times


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a store whose run has two planted flags of one reason."""
    return scan_in(tmp_path_factory.mktemp("home"), PETS, "--budget", "2", "--report", "scan.html")


@pytest.fixture
def folder(home, tmp_path, monkeypatch):
    copied = tmp_path / "copied"
    shutil.copytree(home, copied)
    monkeypatch.chdir(copied)
    return copied


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.data, self.words, self._inside = [], "", [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = (tag, dict(attrs).get("id"))

    def handle_data(self, data):
        if self._inside == ("script", "data"):
            self.data += data
        else:
            self.words.append(data)

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def leads_somewhere(found):
    """Whether the links of a page, which are within it, have ends."""
    ends = {attributes.get("id") for _, attributes in found.elements}
    return {link["href"].removeprefix("#") for link in found.of("a")} <= ends


def test_the_page_says_what_the_store_says(run, folder):
    text = page(run)
    found = Page(text)
    data = json.loads(found.data)
    flags = ask("anomembed.duckdb", "SELECT rank, key, view, reason FROM flags ORDER BY rank")
    assert [(flag[0], flag[1], flag[4], flag[5]) for flag in data["flags"]] == flags
    assert {flag[1] for flag in data["flags"]} == {"100", "200"}
    assert data["flags"][0][6] == data["flags"][1][6] == 0  # one finding
    _, parts, _ = data["details"][0]
    kept = ask(
        "anomembed.duckdb",
        f"SELECT column_name, round(sum(contribution), 2) AS share FROM contributions WHERE key = '{flags[0][1]}' "
        "GROUP BY 1 HAVING abs(sum(contribution)) >= .005 ORDER BY sum(contribution) DESC, 1",
    )
    assert [(part[0], part[2]) for part in parts] == kept
    words = " ".join(found.words)
    assert "400 records were compared" in re.sub(r"\s+", " ", words)
    assert "not judged" in words  # the column `same`
    assert "10.0 %" in words  # of kilos are missing
    assert len(found.of("img")) == 8  # four charts, each for light and dark
    assert leads_somewhere(found)


def test_the_page_says_which_of_the_flags_only_fill_the_budget(run, folder):
    assert "ordinary" not in page(run)
    change("UPDATE flags SET tail_probability = 0.004 WHERE rank = 2")  # 1.6 of 400 normal records: not too many
    assert "ordinary" not in page(run)
    change("UPDATE flags SET tail_probability = 0.02 WHERE rank = 2")
    words = re.sub(r"\s+", " ", page(run))
    assert "The last flag is ordinary: about 8 of so many normal records are at least as abnormal as the last." in words
    change("UPDATE flags SET tail_probability = 0.01 WHERE rank = 1")
    assert "The last 2 flags are ordinary: about 8 of" in re.sub(r"\s+", " ", page(run))
    change("UPDATE runs SET rule = 'threshold 0.1'")
    assert "ordinary" not in page(run)


def test_scan_writes_the_same_page_as_report_and_the_same_store_gives_the_same_bytes(run, folder):
    first = page(run)
    assert first == page(run)
    assert (folder / "scan.html").read_text() == first
    assert ask("anomembed.duckdb", "SELECT count(*) FROM runs") == [(1,)]


def test_a_page_of_a_pruned_model_and_of_forgotten_scores_shows_what_is_left(run, folder):
    gone = [f"DELETE FROM {table}" for table in ("model_parts", "tokens", "pairs", "losses")]
    change(*gone, "UPDATE models SET state = 'pruned'")
    words = " ".join(Page(page(run)).words)
    assert "not in the store any more" in words
    assert "Scores against the reference" not in words
    assert "Data quality" not in words
    change("DELETE FROM scores")
    assert "Share of the records" not in " ".join(Page(page(run)).words)


def test_nothing_on_the_page_can_act_but_its_script(run, folder):
    text = page(run)
    found = Page(text)
    policy = next(meta["content"] for meta in found.of("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    style, script = (re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)[1] for tag in ("style", "script"))
    for part in (style, script):
        assert b64encode(sha256(part.encode()).digest()).decode() in policy
    assert len(script.encode()) < 25_000
    assert not re.search(r"innerHTML|eval|document\.write|https?:", script + style)
    addresses = [
        value for _, attributes in found.elements for name, value in attributes.items() if name in ("src", "href")
    ]
    assert all(address.startswith(("#", "data:image/svg+xml;base64,")) for address in addresses)
    assert not any(name.startswith("on") or name == "style" for _, attributes in found.elements for name in attributes)


def test_hostile_values_are_text_on_every_part_of_the_page(run, folder):
    flag = "$v AS key, $n AS rank, $v || ' is odd' AS reason, json_object($v, $v)::JSON AS record, $v AS finding"
    part = "$v AS key, $v AS column_name, $v AS value, [$v] AS expected"
    first = "(SELECT key FROM flags WHERE rank = 1)"
    for at, value in enumerate(HOSTILE):
        change(
            (f"INSERT INTO flags SELECT * REPLACE ({flag}) FROM flags WHERE rank = 1", {"v": value, "n": 10 + at}),
            (
                f"INSERT INTO contributions SELECT * REPLACE ({part}) FROM contributions WHERE key = {first}",
                {"v": value},
            ),
            ("UPDATE tokens SET token = $v, column_name = $v WHERE token_id = 3 AND model_id = 1", {"v": value}),
        )
    change(("UPDATE runs SET source = $v, database = $v, condition = $v", {"v": HOSTILE[5]}))
    text = page(run)
    found = Page(text)
    assert [tag for tag, _ in found.elements].count("script") == 2
    assert not [image for image in found.of("img") if not image["src"].startswith("data:")]
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert len(text) < 1_000_000
    keys = [flag[1] for flag in json.loads(found.data)["flags"]]
    assert {HOSTILE[0], HOSTILE[1], HOSTILE[3], HOSTILE[5]} <= set(keys)
    assert max(map(len, keys)) == 240
    assert text.count("é") < 3_000
    for image in found.of("img"):
        picture = b64decode(image["src"].partition(",")[2])
        assert b"<script" not in picture
        assert b"\x1b" not in picture


def test_five_thousand_flags_are_small_and_more_are_the_top(run, folder):
    many_flags(5_000)
    change('UPDATE flags SET record = \'{"at": "2026-01-05T04:00:00", "pet": "cat", "says": "woof"}\'')
    text = page(run)
    assert len(text.encode()) <= 1_500_000
    data = json.loads(Page(text).data)
    assert len(data["flags"]) == 5_000
    assert [rank for rank, *_ in data["details"]] == [flag[0] for flag in data["flags"][: len(data["details"])]]
    assert data["details"]
    assert "most abnormal of" not in text
    change(
        "INSERT INTO flags SELECT * REPLACE (rank + 10000 AS rank, 'x' || key AS key) FROM flags WHERE rank < 200",
        "UPDATE runs SET n_flagged = 5100",
    )
    text = page(run)
    assert "This page has the 5,000 most abnormal of 5,100 flags" in text
    assert len(json.loads(Page(text).data)["flags"]) == 5_000


def test_the_first_of_many_flags_have_details_also_where_their_reasons_need_the_room(run, folder):
    many_flags(5_000)
    change("UPDATE flags SET reason = reason || repeat(' or so', 40)")
    data = json.loads(Page(page(run)).data)
    assert len(data["flags"]) == 5_000
    assert [rank for rank, *_ in data["details"]][:3] == [1, 2, 100]


def test_of_few_flags_the_reasons_are_whole_and_of_many_columns_those_that_add_most(run, folder):
    key = "(SELECT key FROM flags WHERE rank = 1)"
    change(
        "UPDATE flags SET reason = repeat('so ', 190) || 'end'",
        f"DELETE FROM contributions WHERE key = {key}",
        f"INSERT INTO contributions SELECT c.* REPLACE ({key} AS key, 'c' || i AS column_name, i AS contribution) "
        "FROM (FROM contributions LIMIT 1) c, range(1, 21) r(i)",
    )
    data = json.loads(Page(page(run)).data)
    assert all(flag[5].endswith("end") for flag in data["flags"])
    _, parts, more = data["details"][0]
    assert [part[0] for part in parts] == [f"c{i}" for i in range(20, 8, -1)]
    assert more == 8


def test_times_below_a_chart_tell_its_bars_apart():
    for seconds, first in ((9e6, "2026-01-01"), (1800, "00:00"), (3, "00:00:00")):
        moments = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds * i / 3) for i in range(4)]
        chart = chart_of_times(moments, "at")
        words = re.sub("<[^>]*>", "\n", b64decode(chart.light.partition(",")[2]).decode())
        assert first in words.split()
        finest = [word for word in words.split() if re.fullmatch(r"\d{4}-.*" if seconds > 1e6 else r"[\d:]{5,8}", word)]
        assert len(set(finest)) == 4


def test_a_run_without_flags_shows_what_was_looked_at(run, folder):
    change(
        "DELETE FROM flags",
        "DELETE FROM contributions",
        "UPDATE runs SET n_flagged = 0",
        "UPDATE scores SET flagged = false",
    )
    text = page(run)
    assert "Nothing stands out by that rule" in text
    assert "first flags" not in text
    assert leads_somewhere(Page(text))
    most = ask("anomembed.duckdb", "SELECT key FROM scores ORDER BY raw_score DESC, key LIMIT 20")
    assert all(f"<td>{key}</td>" in text for (key,) in most)


def test_only_a_page_of_ours_is_replaced(run, folder):
    (folder / "mine.html").write_text("my notes")
    outcome = run("report", "mine.html")
    assert outcome.code == 2
    assert "may hold something else" in outcome.err
    assert (folder / "mine.html").read_text() == "my notes"
    assert run("report", "scan.html").code == 0
    assert run("report", "page.txt").code == 2
    assert "no run 7" in run("report", "new.html", "--run", "7").err
    assert not (folder / "new.html").exists()
    assert run("scan", "source.duckdb", "--report", "mine.html").code == 2

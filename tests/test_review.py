"""`anomembed review`: what is walked through, what each key does, and that a verdict ends it."""

import io
import os
import pty
import select
import shutil
import subprocess
import sys

import pytest
from databases import ask, opened
from scanned import scan_in

# Two cats that woof (one reason), and one animal of a kind that only it has.
PETS = """CREATE TABLE pets AS SELECT i AS id, if(i = 300, 'fox', if(i % 2 = 0, 'cat', 'dog')) AS pet,
    if(i % 2 = 0 AND i NOT IN (100, 200), 'meow', 'woof') AS says, 'n' || hash(i) % 5 AS nth FROM range(400) r(i)"""
FINDING = """INSERT INTO findings BY NAME
    SELECT 'm' AS monitor, '0123456789abcdef' AS finding_id, true AS is_open,
    view, 'conflict' AS kind, []::VARCHAR[] AS "columns",
    []::VARCHAR[] AS "values", reason, key, run_id, tail_probability,
    1 AS n_flags, now() AS first_seen, now() AS last_seen, 1 AS n_alerts, 1 AS n_told, now() AS alerted_at,
    INTERVAL 1 DAY AS repeat_after, false AS acknowledged, 0 AS n_before FROM flags WHERE key = '100'"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return scan_in(tmp_path_factory.mktemp("home"), PETS, "--budget", "3")


@pytest.fixture
def review(run, home, tmp_path, monkeypatch):
    """Review with these lines as what is typed."""
    copied = tmp_path / "copied"
    shutil.copytree(home, copied)
    monkeypatch.chdir(copied)

    def review(typed):
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        outcome = run("review")
        assert outcome.code == 0, outcome.err
        return outcome.out

    return review


def test_findings_are_walked_through_and_those_with_a_verdict_do_not_come_back(review):
    out = review("k\nk\n")
    assert "1 of 2: " in out
    assert "2 flags, run 1" in out
    assert out.count("skipped") == 2
    assert ask("anomembed.duckdb", "FROM feedback") == []
    first = ask("anomembed.duckdb", "SELECT key FROM flags WHERE rank = 1")[0][0]
    assert f"{first}: normal" in review("n\nq\n")
    assert ask("anomembed.duckdb", "SELECT key, verdict, run_id FROM feedback") == [(first, "normal", 1)]
    out = review("x\na\n")
    assert "1 of 1: " in out
    assert "one of n, a, s, k, e, u and q" in out
    said = dict(ask("anomembed.duckdb", "SELECT key, verdict FROM feedback"))
    assert sorted(said.values()) == ["anomaly", "normal"]
    assert "nothing to review" in review("")


def test_the_tail_of_a_sequence_is_among_sequences_and_tiny_ones_are_capped(review):
    with opened("anomembed.duckdb") as connection:
        connection.execute('UPDATE models SET roles = \'[{"column": "says", "role": "event"}]\'')
        connection.execute("UPDATE flags SET tail_probability = 1e-300 WHERE rank = 1")
    assert "less than 1 in 1,000,000,000,000 normal sequences is at least this abnormal" in review("q\n")


def test_the_end_of_the_input_stops(review):
    assert review("").count("uit?") == 1
    assert ask("anomembed.duckdb", "FROM feedback") == []


def test_explain_shows_the_case_and_asks_again(review):
    out = review("e\nq\n")
    assert "SMALLEST CHANGE" in out
    assert out.count("uit?") == 2


def test_what_was_decided_is_taken_back(review):
    assert "nothing to take back" in review("u\nq\n")
    first = ask("anomembed.duckdb", "SELECT key FROM flags WHERE rank = 1")[0][0]
    out = review("n\nu\nq\n")
    assert f"{first}: normal is taken back" in out
    assert out.count("uit?") == 3
    assert ask("anomembed.duckdb", "SELECT DISTINCT verdict FROM feedback ORDER BY 1") == [("normal",), ("withdrawn",)]
    assert f"1 of 2: {first}," in review("q\n")


def test_findings_of_monitors_are_silenced_for_a_week_others_not(review):
    assert "only findings of a monitor" in review("s\nq\n")
    with opened("anomembed.duckdb") as connection:
        connection.execute("UPDATE runs SET monitor = 'm'")
        connection.execute(FINDING)
        connection.execute("INSERT INTO finding_flags VALUES ('0123456789abcdef', 1, '100')")
    out = review("s\n")
    assert "1 of 1: 100, 1 flag, run 1" in out
    assert "silent until" in out
    days = ask("anomembed.duckdb", "SELECT date_diff('hour', now() AT TIME ZONE 'UTC', silenced_until) FROM findings")
    assert 24 * 7 - 2 <= days[0][0] <= 24 * 7
    assert "nothing to review" in review("")


def test_hostile_reasons_are_inert(review):
    with opened("anomembed.duckdb") as connection:
        connection.execute("UPDATE flags SET reason = chr(27) || '[31m' || reason, key = key || chr(7)")
    out = review("k\nk\n")
    assert "\x1b" not in out
    assert "\x07" not in out


def read_until(terminal, n_prompts):
    """Read what is shown until there are so many prompts, for twenty seconds at most."""
    shown = b""
    while shown.count(b"uit?") < n_prompts:
        assert select.select([terminal], [], [], 20)[0], shown
        shown += os.read(terminal, 4096)


def test_on_a_terminal_one_key_is_enough(review, monkeypatch):
    monkeypatch.setattr(sys, "stdin", sys.__stdin__)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "anomembed", "review"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True) as process:
        os.close(theirs)
        try:
            read_until(ours, 1)
            os.write(ours, b"n")  # without the return key
            read_until(ours, 1)
            os.write(ours, b"q")
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()
            os.close(ours)
    assert ask("anomembed.duckdb", "SELECT verdict FROM feedback") == [("normal",)]


def test_the_page_needs_an_extra_and_says_which(run, monkeypatch):
    for name in ("starlette", "uvicorn"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, name, None)
            outcome = run("review", "--web")
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err == "anomembed: `anomembed review --web` needs an extra: pip install 'anomembed[review]'\n"


def test_a_port_is_for_the_page(run):
    outcome = run("review", "--port", "8000")
    assert (outcome.code, outcome.err) == (2, "anomembed: --port is of the page that --web serves\n")

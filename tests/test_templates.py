import json
import random
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from databases import opened
from hypothesis import given
from hypothesis import strategies as st

from anomembed import Config, fit_model, load_model, score_table
from anomembed.fit.messages import learn_messages
from anomembed.read.lines.cleaning import ASIDE
from anomembed.represent.tokens import shapes as shapes_module
from anomembed.represent.tokens.masking import tokenise
from anomembed.represent.tokens.shapes import cut_out, shapes
from anomembed.represent.tokens.template_learning import fit_templates
from anomembed.represent.tokens.templates import UNKNOWN, count_shapes
from anomembed.represent.tokens.texts import MOST_BYTES

USERS = ["alice", "bob", "carol", "dave", "erin", "frank", "root7"]
TEXT = st.text(max_size=60)


def templates_of(messages):
    return fit_templates(count_shapes(pl.Series(messages, dtype=pl.String)))


def template_of(message):
    return templates_of([message]).labels[0]


def grouped(messages):
    """Which messages share a template."""
    codes = templates_of(messages).encode(pl.Series(messages))
    return [
        sorted(m for m, c in zip(messages, codes, strict=True) if c == code) for code in sorted(set(codes.tolist()))
    ]


@pytest.mark.parametrize(
    ("message", "template"),
    [
        ("Connection from 10.0.0.7 closed", "Connection from <ip> closed"),
        ("Connection from 10.0.0.7:22 closed", "Connection from <ip>:<num> closed"),
        ("src: /10.251.31.5:50010", "src: <ip>:<num>"),
        ("ping fe80::1ff:fe23:4567:890a lost", "ping <ip> lost"),
        ("mac 00:1b:44:11:3a:b7 joined", "mac <ip> joined"),
        ("wrote /var/log/app/x.log twice", "wrote <path> twice"),
        ("TTY=pts/3 ; USER=root", "TTY=<path> ; USER=root"),
        (r"opened C:\Temp\a.txt again", "opened <path> again"),
        ("got https://example.org/a?b=c now", "got <url> now"),
        ("mail to ann@example.org bounced", "mail to <email> bounced"),
        ("at 2024-05-01 09:30:00,123 it began", "at <time> it began"),
        ("at Sun Jul 17 15:09:15 2005 it began", "at <time> it began"),
        ("at 09:30:00 it began", "at <time> it began"),
        ("on 2024-05-01 it began", "on <time> it began"),
        ("address 0x00ff read", "address <hex> read"),
        ("job 3f2504e0-4f89-11d3-9a0c-0305e82c3301 done", "job <id> done"),
        ("block blk_-1608999687919862906 stored", "block <id> stored"),
        ("arn:aws:ec2:us of ec2 is bad", "arn:aws:ec2:us of ec2 is bad"),  # three letters or digits are no identifier
        ("dc1 to fe2b, ab12, x-ab1, ab1/c, a/b/ab1", "dc1 to <hex>, <hex>, <id>, <hex>, <path>"),
        ("2001:db8::1 to 2001:db8:0:0:0:ab1:2:3 up", "<ip> to <ip> up"),
        ("took 35 ms, 1,024 bytes, -3.5% of 2GB", "took <num>, <num>, <num> of <num>"),
        ("size=10 name= user=x", "size=<num> name= user=x"),
        ("codes 1 2 3 4 seen", "codes <num> seen"),
        ("state NEW to DONE", "state NEW to DONE"),
        ("", "(empty)"),
        ("  \t ", "(empty)"),
        ("\x1b[31mred\x00", "?[<id>?"),
    ],
)
def test_what_varies_is_masked(message, template):
    assert template_of(message) == template


def test_words_that_vary_in_one_place_are_one_template():
    found = templates_of([f"Failed login of {user} from 10.0.0.{i}" for i, user in enumerate(USERS)])
    assert found.labels.to_list() == ["Failed login of <*> from <ip>"]


def test_a_few_words_in_one_place_are_templates_of_their_own():
    assert len(templates_of([f"task moved to {state} at once" for state in ("NEW", "RUNNING", "DONE")]).labels) == 3


@pytest.mark.parametrize(("n_services", "n_templates"), [(6, 6), (12, 1)])
def test_the_first_word_of_a_message_varies_only_when_very_many_do(n_services, n_templates):
    names = [letter * 4 for letter in "abcdefghijkl"[:n_services]]
    assert len(templates_of([f"{name} startup has succeeded" for name in names]).labels) == n_templates


def test_two_words_that_vary_together_are_one_template():
    messages = [
        f"relation {a}{a} of {a}{b} was dropped by force" for a, b in zip("abcdefghijkl", "mnopqrstuvwx", strict=True)
    ]
    assert templates_of(messages).labels.to_list() == ["relation <*> of <*> was dropped by force"]


def test_messages_of_one_word_stay_apart():
    assert len(templates_of(["start", "stop", "reload", "restart", "status", "kill"]).labels) == 6


def test_a_word_and_a_number_in_one_place_are_one_template():
    assert grouped(["peer a.b.c left the room", "peer 10.0.0.1 left the room", "peer host7 left the room"]) == [
        ["peer 10.0.0.1 left the room", "peer a.b.c left the room", "peer host7 left the room"]
    ]


def test_empty_brackets_hold_a_value_too():
    assert len(templates_of(["from 10.0.0.1 () open", "from 10.0.0.1 (host7) open"]).labels) == 1


def test_templates_do_not_depend_on_the_order_of_messages():
    messages = [f"user {user} did {what} {i}" for i, user in enumerate(USERS * 5) for what in ("read", "write")]
    first = templates_of(messages)
    for seed in range(3):
        random.Random(seed).shuffle(messages)
        again = templates_of(messages)
        assert again.labels.to_list() == first.labels.to_list()
        assert again.counts.tolist() == first.counts.tolist()
        assert again.shapes.to_list() == first.shapes.to_list()
        assert again.codes.tolist() == first.codes.tolist()


def test_templates_are_listed_by_how_frequent_they_are():
    found = templates_of(["rare one"] + ["usual one"] * 3 + ["as usual two"] * 3)
    assert found.labels.to_list() == ["as usual two", "usual one", "rare one"]
    assert found.counts.tolist() == [3, 3, 1]


def test_a_new_word_where_words_vary_has_the_template():
    found = templates_of([f"Failed login of {user} from 10.0.0.1" for user in USERS])
    new = pl.Series(["Failed login of zoe from fe80::1:2:3:4", "Failed  login of z9 from 10.1.1.1", None])
    assert found.encode(new).tolist() == [0, 0, UNKNOWN]


@pytest.mark.parametrize(
    "message",
    [
        "Failed logout of zoe from 10.0.0.1",
        "Failed login of zoe",
        "Failed login of zoe from nowhere",
        "Failed login of ! from 10.0.0.1",
    ],
)
def test_a_message_of_no_template_is_unknown(message):
    found = templates_of([f"Failed login of {user} from 10.0.0.1" for user in USERS])
    assert found.encode(pl.Series([message])).tolist() == [UNKNOWN]


def test_parameters_are_what_stands_in_the_places():
    usual = [f"eth0: login of {user} from 10.0.0.{i}:99 to /srv/d{i}/x as s{i}x" for i, user in enumerate(USERS)]
    codes, found = templates_of(usual).parse(pl.Series([*usual, None, "nothing of it"]))
    assert found["ip"].to_list() == [*(f"10.0.0.{i}" for i in range(7)), None, None]
    assert found["path"].to_list() == [*(f"/srv/d{i}/x" for i in range(7)), None, None]
    assert found["word"].to_list() == [*USERS, None, None]
    assert found["id"].to_list() == ["eth0"] * 7 + [None, None]
    assert codes.tolist() == [0] * 7 + [UNKNOWN] * 2


def test_hexadecimal_digits_that_are_all_decimal_are_an_identifier_where_others_have_one():
    """One in forty-three of eight hexadecimal digits has no letter, and others look like 23e30656."""
    rng = random.Random(0)
    keys = [f"{rng.getrandbits(32):08x}" for _ in range(600)]
    assert any(key.isdigit() for key in keys)
    messages = [f"cache miss for key sess:{key}" for key in keys] + [f"took {number} ms" for number in range(50)]
    templates = templates_of(messages)
    later = [f"cache miss for key sess:{key}" for key in ("22387154", "23e30656", "741e2698", "c4069545")]
    _, found = templates.parse(pl.Series([*messages, *later]), ("id",))
    assert found["id"].to_list() == [*keys, *[None] * 50, "22387154", "23e30656", "741e2698", "c4069545"]


def test_numbers_among_few_identifiers_stay_numbers():
    templates = templates_of(
        [f"job {number} done" for number in range(30)] + [f"job a{number}x done" for number in range(9)]
    )
    _, found = templates.parse(pl.Series(["job 7 done", "job a7x done"]), ("id",))
    assert found["id"].to_list() == [None, "a7x"]


def test_an_empty_value_is_no_parameter():
    messages = [f"x user={user} from (10.0.0.1)" for user in USERS] + ["x user= from ()"]
    found = templates_of(messages).parse(pl.Series(messages))[1]
    assert found["word"].to_list() == [*USERS, None]
    assert found["ip"].to_list() == ["10.0.0.1"] * 7 + [None]


@given(st.lists(TEXT | st.none(), max_size=30))
def test_every_message_of_the_reference_has_a_template(messages):
    texts = pl.Series(messages, dtype=pl.String)
    found = templates_of(messages)
    codes, parameters = found.parse(texts)
    assert [code == UNKNOWN for code in codes] == [message is None for message in messages]
    assert found.encode(texts).tolist() == codes.tolist()
    assert found.counts.tolist() == np.bincount(codes[codes >= 0], minlength=len(found.labels)).tolist()
    for column in parameters:
        assert all(value is None or value in message for value, message in zip(column, messages, strict=True))


@given(st.lists(TEXT, min_size=1, max_size=20), st.lists(TEXT, min_size=1, max_size=20))
def test_an_unknown_message_never_fails(known, other):
    codes = templates_of(known).encode(pl.Series(other))
    assert all(codes[i] != UNKNOWN for i, message in enumerate(other) if message in known)


@given(st.text(alphabet="ab 0129é\n.", max_size=40))
def test_a_shape_has_a_zero_for_every_run_of_digits(text):
    series = pl.Series([text])
    word_or_digits = r"(?<![ab0-9é.])[ab]{2}[0-9](?![ab0-9é.])|[0-9]+"  # a word like ec2 stays
    assert shapes(series)[0] == re.sub(word_or_digits, lambda found: found[0] if found[0][0] in "ab" else "0", text)
    whole = shapes(series)[0]
    begin, size = np.array([0]), np.array([len(whole.encode())])
    assert (cut_out(series, begin, size)[0] or "") == text


def test_long_texts_are_cut_between_characters():
    found = shapes(pl.Series(["é" * MOST_BYTES, "x" + "é" * MOST_BYTES, "1" * 5 * MOST_BYTES]))
    assert found.to_list() == ["é" * (MOST_BYTES // 2), "x" + "é" * (MOST_BYTES // 2 - 1), "0"]


def test_tokens_are_counted_in_bytes():
    tokens = tokenise(shapes(pl.Series(["é 10.0.0.1 é"])))
    assert tokens.begins.tolist() == [0, 3, 11]
    assert tokens.sizes.tolist() == [2, 7, 2]


def sessions(n=400):
    """Messages of a server that says two things, about users at a few addresses."""
    rng = random.Random(1)
    rows = []
    for i in range(n):
        user, host = rng.choice(USERS), f"10.0.0.{rng.randrange(4)}"
        rows.append(
            rng.choice([f"Accepted key for {user} from {host} port {i}", f"Session {i} of {user} was closed by {host}"])
        )
    return pl.DataFrame({"n": range(n), "message": rows})


def test_a_rare_template_and_a_rare_parameter_are_found_and_named():
    frame = sessions()
    planted = {100: "kernel panic, not syncing: out of memory", 300: "Accepted key for bob from 172.16.9.9 port 4"}
    messages = [planted.get(i, message) for i, message in enumerate(frame["message"])]
    frame = frame.with_columns(message=pl.Series(messages))
    with_flags = score_table(fit_model(frame, config=Config(flags={"budget": 2})), frame).flags.frame
    assert set(with_flags["n"]) == {100, 300}
    reasons = dict(zip(with_flags["n"], with_flags["reason"], strict=True))
    assert reasons[100].startswith("message=kernel panic, not syncing: out of memory ")
    assert reasons[300].startswith("message ip=172.16.9.9 ")


@pytest.mark.parametrize("clean", [True, False])
def test_a_template_that_was_never_seen_is_flagged_as_such(clean):
    model = fit_model(sessions(), config=Config(flags={"budget": 1}, reference={"clean": clean}))
    assert model.vocabulary.names[0] == "message"
    new = pl.DataFrame({"n": [1, 2], "message": ["Accepted key for bob from 10.0.0.2 port 7", "disk sda7 is on fire"]})
    flags = score_table(model, new).flags.frame
    assert flags["n"].to_list() == [2]
    said = "message=disk sda7 is on fire: no message like `disk <id> is on fire` was seen in the reference"
    assert flags["reason"][0].startswith(said)


def test_a_parameter_that_was_never_seen_is_named():
    model = fit_model(sessions(), config=Config(flags={"budget": 1}, reference={"clean": True}))
    new = pl.DataFrame(
        {"n": [1, 2], "message": [f"Accepted key for bob from {ip} port 7" for ip in ("10.0.0.2", "6.6.6.6")]}
    )
    flags = score_table(model, new).flags.frame
    assert flags["reason"][0].startswith("message ip=6.6.6.6 was never seen in the reference")


def test_parameters_that_tell_nothing_are_left_out():
    messages = [f"session s{i}x of {USERS[i % 7]} from 10.9.9.9 ended well" for i in range(200)]
    messages += [f"session s{i}y of {USERS[i % 7]} from 10.9.9.9 began to run" for i in range(200)]
    names = fit_model(pl.DataFrame({"n": range(400), "message": messages})).vocabulary.names
    assert names == ("message", "message word")  # an id of its own each, and one address for all


def found_in(messages):
    """Return the row and the reason of the first flag."""
    frame = pl.DataFrame({"n": range(len(messages)), "message": messages})
    config = Config(flags={"budget": 1}, roles={"key": ["n"], "text": ["message"]})
    flags = score_table(fit_model(frame, config=config), frame).flags.frame
    return flags["n"][0], flags["reason"][0]


@pytest.mark.parametrize("n_states", [2, 4])
def test_a_word_apart_is_found_whether_or_not_it_varies(n_states):
    """Of two states each is a template of its own; of four they are one template, and the word is its parameter."""
    states = ["Started", "Paused", "Resumed", "Stopped"][:n_states]
    messages = [f"instance {i * 7919:08x} VM {states[i % n_states]} (Lifecycle Event)" for i in range(400)]
    messages[220] = messages[220].replace(states[220 % n_states], "Crashed")
    row, reason = found_in(messages)
    assert row == 220
    assert "Crashed" in reason.split(" is rare")[0]


def test_an_address_seen_once_is_found_in_the_only_template():
    messages = [f"closed by 10.0.0.{i % 9} at port {i}" for i in range(400)]
    messages[150] = "closed by 172.16.9.9 at port 7"
    row, reason = found_in(messages)
    assert (row, reason.split(" is rare")[0]) == (150, "message ip=172.16.9.9")


def names_and_addresses(messages):
    columns = learn_messages("message", pl.Series(messages), Config().tokens)
    found = next((column.values.to_list() for column in columns if column.name == "message ip"), [])
    return columns[0].labels[3:], set(found)


def test_versions_are_not_addresses():
    """Whether a place holds versions is decided by all of its values: some look like addresses."""
    versions = [f"{20 + i % 9}.0.{900 + i % 300 if i % 7 else 12}.{i % 99}" for i in range(300)]
    messages = [f"agent Gate/{version} of 10.0.0.{i % 9} said hello" for i, version in enumerate(versions)]
    messages += [f"lost peer 10.1.0.{i % 9} again" for i in range(300)]
    labels, addresses = names_and_addresses(messages)
    assert "agent Gate<version> of <ip> said hello" in labels
    assert addresses == {f"10.{net}.0.{i}" for net in (0, 1) for i in range(9)}


def test_an_impossible_address_among_many_is_kept():
    messages = [f"lost peer {'999.1.1.1' if i == 7 else f'10.1.0.{i % 9}'} again" for i in range(300)]
    assert "999.1.1.1" in names_and_addresses(messages)[1]


def test_an_address_where_words_vary_is_told_once():
    messages = [f"peer {host} left" for host in ("alpha", "beta", "gamma", "10.0.0.1", "10.0.0.2") for _ in range(9)]
    words = templates_of(messages).parse(pl.Series(messages))[1]
    assert set(words["word"]) == {"alpha", "beta", "gamma", None}
    assert set(words["ip"]) == {"10.0.0.1", "10.0.0.2", None}


def test_what_stands_aside_is_not_learnt_from():
    assert ord(ASIDE) == shapes_module.ASIDE
    frames = [f"job failed\nValueError: no{ASIDE}\n\tat a.b{i}(c.java:{i})\n\tat d{i}" for i in range(20)]
    assert templates_of(frames).labels.to_list() == ["job failed ValueError: no"]


def test_texts_that_are_all_different_are_not_judged(run):
    rng = random.Random(3)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [" ".join("".join(rng.choices(letters, k=6)) for _ in range(rng.randrange(5, 30))) for _ in range(200)]
    pl.DataFrame({"n": range(200), "pet": ["cat", "dog"] * 100, "says": words}).write_parquet("x.parquet")
    outcome = run("scan", "x.parquet")
    assert outcome.code == 0
    assert "says is not used: nearly every message is unique" in outcome.err
    only = run("scan", "x.parquet", "--ignore", "pet")
    assert only.code == 2
    assert "nothing to learn from in x.parquet: none of says is informative" in only.err


def test_null_empty_garbage_and_endless_messages():
    odd = [
        "",
        None,
        "\x00\x01\x02\xff\ufffd",
        "y" * 100_000,
        "z " * 50_000,
        "\n\n\t",
        "\ue000",
        "<ip> <*>",
        "(((((((",
        "=" * 300,
    ]
    frame = sessions().with_columns(message=pl.Series([*sessions()["message"][: 400 - len(odd)], *odd]))
    scores = score_table(fit_model(frame), frame).frame
    assert scores.height == 400
    assert scores["raw_score"].is_finite().all()
    assert not any(ord(letter) < 32 for reason in scores["reason"] for letter in reason)


def test_the_whole_way_through_the_store(run):
    frame = sessions()
    frame.write_parquet("log.parquet")
    pl.concat([frame[:50], pl.DataFrame({"n": [900], "message": ["disk sda is on fire"]})]).write_parquet("new.parquet")
    assert run("init", "log.parquet", "-o", "log.toml").code == 0
    assert 'text = [\n  "message"' in Path("log.toml").read_text()
    assert run("fit", "log.toml").code == 0
    before = load_model("anomembed.duckdb").vocabulary.columns[0]
    Path("log.toml").write_text(Path("log.toml").read_text().replace("log.parquet", "new.parquet"))
    outcome = run("score", "log.toml", "--format", "ndjson", "--budget", "1")
    assert outcome.code == 0, outcome.err
    flag = json.loads(outcome.out.splitlines()[0])
    assert (flag["n"], flag["view"] != "") == (900, True)
    assert "message=disk sda is on fire was never seen" in flag["reason"]
    after = load_model("anomembed.duckdb").vocabulary.columns[0]
    assert after.labels == before.labels
    tokens = run_sql("SELECT token FROM tokens WHERE column_name = 'message' AND kind = 'value' ORDER BY token_id")
    assert [token for (token,) in tokens] == list(before.labels[3:])
    assert "Session <num> of <*> was closed by <ip>" in before.labels


def run_sql(query):
    with opened("anomembed.duckdb", read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_loaded_model_scores_as_it_did(tmp_path, run):
    frame = sessions()
    frame.write_parquet("log.parquet")
    assert run("scan", "log.parquet", "--scores-to", "a.parquet").code == 0
    model = load_model("anomembed.duckdb")
    again = score_table(model, frame).frame.sort("n")
    kept = pl.read_parquet("a.parquet").sort("n")
    assert again["raw_score"].to_list() == kept["raw_score"].to_list()


def test_scores_do_not_depend_on_the_size_of_batches_nor_the_order_of_rows():
    from anomembed.read.table import Table
    from anomembed.scoring import score_batches

    frame = sessions()
    model = fit_model(frame)
    turned = fit_model(frame.reverse())
    with Table(frame) as table:
        one, many = (pl.concat(list(score_batches(model, table, None, size))).sort("n") for size in (10_000, 37))
        other = pl.concat(list(score_batches(turned, table, None))).sort("n")
    assert one["raw_score"].to_list() == many["raw_score"].to_list() == other["raw_score"].to_list()


def test_a_large_reference_is_counted_in_full():
    frame = sessions(3_000)
    config = Config(reference={"max_records": 500})
    model = fit_model(frame, config=config)
    column = model.vocabulary.columns[0]
    assert column.n_records == 3_000 - model.summary.n_held_out
    assert column.counts.sum() == pytest.approx(column.n_records)
    assert score_table(model, frame).frame.height == 3_000


def events(n_sequences=300):
    rows = []
    for i in range(n_sequences):
        steps = [
            f"open file /data/{i}/a.bin for {USERS[i % 7]}",
            f"read block blk_{i * 7919} of {i % 9 + 1} MB",
            f"close file /data/{i}/a.bin in {i} ms",
        ]
        if i == 200:
            steps[1] = f"disk failure on blk_{i} while reading it"
        rows += [(i, place, step) for place, step in enumerate(steps)]
    return pl.DataFrame(rows, schema=["job", "place", "message"], orient="row")


@pytest.mark.parametrize("told", [[], ["--text", "message"]])
def test_events_that_are_messages_are_their_templates(told, run):
    events().write_parquet("jobs.parquet")
    what = [
        "--sequence",
        "job",
        "--order",
        "place",
        "--event",
        "message",
        "--fit-where",
        "job <> 200",
        "--clean-reference",
    ]
    outcome = run("scan", "jobs.parquet", *what, *told, "--budget", "1", "--format", "ndjson")
    assert outcome.code == 0, outcome.err
    flag = json.loads(outcome.out.splitlines()[0])
    assert flag["job"] == 200
    assert "message=disk failure on blk_200 while reading it" in flag["reason"]
    labels = load_model("anomembed.duckdb").vocabulary.columns[0].labels[3:]
    assert labels == ("close file <path> in <num>", "open file <path> for <*>", "read block <id> of <num>")


@pytest.mark.parametrize("told", [[], ["--where", "id > 5"]])
def test_a_text_that_is_null_in_every_record_is_no_bug(told, run, database):
    source = database("CREATE TABLE t AS SELECT i AS id, NULL::VARCHAR AS said, 'c' || i % 3 AS c FROM range(60) r(i)")
    outcome = run("scan", source, "t", "--text", "said", *told)
    assert outcome.code == 0, outcome.err
    assert "said is not used: nearly every message is unique, or all are the same" in outcome.err

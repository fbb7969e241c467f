"""Samples of logs as their public specifications write them: which columns, times and types they are read as."""

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from anomembed.read.lines.formats import FORMATS
from anomembed.read.roles.inference import infer_roles
from anomembed.read.table import Table

GUIDE = Path(__file__).parents[1] / "docs" / "guide-log-files.md"
N = 60


def read(*texts, name="sample.log"):
    """The rows of files in their own types, the types of their columns, and the notes."""
    for number, text in enumerate(texts):
        Path(f"{number}-{name}").write_text(text, encoding="utf-8")
    with Table(f"0-{name}" if len(texts) == 1 else f"*-{name}") as table:
        select = {column.name: column.expression for column in table.columns}
        rows = pl.concat(table.batches(select, [], None, 10_000)).to_dicts()
        return rows, {column.name: column.type for column in table.columns}, table.notes


def repeated(line, n=N):
    return "".join(line.format(i=i, second=i % 60, digit=i % 10) + "\n" for i in range(n))


def test_the_guide_lists_all_formats_of_lines():
    table = GUIDE.read_text(encoding="utf-8").partition("## Formats of lines")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {name.strip(" `") for row in rows for name in row.split(",")} == {*FORMATS, "plain"}


W3C = "#Version: 1.0\n#Date: 12-Jan-1996 22:00:00\n#Fields: time cs-method cs-uri\n"


def test_w3c_the_example_of_the_specification_takes_its_day_from_the_head():
    hours = [22, 23, 0, 1]
    lines = [f"{hours[i // 60]:02d}:{i % 60:02d}:00 GET /foo/{i % 4}.html\n" for i in range(240)]
    rows, types, notes = read(W3C + "".join(lines) + "#Date: 2026-03-02 08:00:00\n08:00:01 GET -\n")
    assert types == {"time": "TIMESTAMP", "cs-method": "VARCHAR", "cs-uri": "VARCHAR"}
    times = [row["time"] for row in rows]
    assert times == sorted(times)  # the third hour is after midnight
    assert (times[0], times[-2]) == (datetime(1996, 1, 12, 22), datetime(1996, 1, 13, 1, 59))
    assert rows[-1] == {"time": datetime(2026, 3, 2, 8, 0, 1), "cs-method": "GET", "cs-uri": None, "row_number": 241}
    assert notes == ("read as W3C extended: its #fields name the columns",)


def test_w3c_fields_that_change_are_columns():
    first, second = "#Fields: date time cs-uri\n", "#Fields: date time cs-uri sc-status\n"
    before = repeated("2026-03-02 08:00:{second:02d} /{digit}")
    after = repeated("2026-03-02 09:00:{second:02d} /{digit} 20{digit}")
    rows, types, notes = read(first + before + second + after, first + before)
    assert (len(rows), types["sc-status"]) == (3 * N, "BIGINT")
    assert sum(row["sc-status"] is None for row in rows) == 2 * N
    assert notes[1] == "the #fields change: there are 2 kinds of records"


ZEEK = (
    "#separator {sep}\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t{unset}\n#path\tconn\n"
    "#open\t2026-03-02-08-00-00\n#fields\tts\tuid\tid.orig_h\tid.resp_p\tduration\torig_bytes\tlocal_orig\ttags\n"
    "#types\ttime\tstring\taddr\tport\tinterval\tcount\tbool\tset[string]\n"
)


@pytest.mark.parametrize("unset", ["-", "NA"])
def test_zeek_the_head_says_what_separates_and_what_is_unset(unset):
    line = f"1772438400.12345{{digit}}\tC{{i}}\t10.0.0.1\t443\t0.5\t{unset}\tT\t(empty)"
    other = f"1772438500.000000\tC999\t{unset}\t53\t{unset}\t7\tF\ta,b\n"
    rows, types, _ = read(ZEEK.format(sep=r"\x09", unset=unset) + repeated(line) + other + "#close\t2026-03-02\n")
    assert types["ts"] == "TIMESTAMP"
    assert [types[name] for name in ("id.resp_p", "duration", "orig_bytes", "local_orig")] == [
        "VARCHAR",
        "DOUBLE",
        "BIGINT",
        "BOOLEAN",
    ]
    assert rows[3]["ts"] == datetime(2026, 3, 2, 8, 0, 0, 123453)
    assert (rows[0]["orig_bytes"], rows[0]["local_orig"], rows[0]["tags"]) == (None, True, None)
    assert (rows[-1]["id.orig_h"], rows[-1]["duration"], rows[-1]["tags"]) == (None, None, ["a", "b"])


RFC5424 = (
    '<165>1 2003-10-11T22:14:{second:02d}.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="{digit}" '
    'eventSource="App [x\\] \\"y\\"" eventID="1011"][examplePriority@32473 class="high"] \ufeffAn event {i}'
)


def test_rfc5424_structured_data_become_columns():
    rows, types, notes = read(repeated(RFC5424) + "<34>1 - - su - - -\n")
    assert notes == ("the lines are in the format rfc5424",)
    assert (types["time"], types["iut"], types["eventID"]) == ("TIMESTAMP", "BIGINT", "BIGINT")
    assert (rows[3]["time"], rows[3]["iut"]) == (datetime(2003, 10, 11, 22, 14, 3, 3000), 3)
    assert (rows[3]["eventSource"], rows[3]["class"], rows[3]["message"]) == ('App [x] "y"', "high", "An event 3")
    assert (rows[-1]["time"], rows[-1]["message"], rows[-1]["iut"]) == (None, None, None)


def test_rfc5424_zones_and_framing_by_counts_of_bytes():
    line = "<165>1 2003-08-24T05:14:{second:02d}.000003-07:00 192.0.2.1 myproc 8710 - - It is time {i}"
    framed = "".join(f"{len(text)} {text}\n" for text in repeated(line).splitlines())
    for text in (repeated(line), framed):
        rows, _, notes = read(text)
        assert notes == ("the lines are in the format rfc5424",)
        assert rows[7]["time"] == datetime(2003, 8, 24, 12, 14, 7, 3)
        assert (rows[7]["host"], rows[7]["message"]) == ("192.0.2.1", "It is time 7")


CEF = r"CEF:0|security|threat\|manager|1.0|10{digit}|detected a \\ in message|{digit}|src=10.0.0.1 act=blocked a \= "
CEF += r"dst=1.1.1.1 rt=17724384{second:02d}000 cs1Label=Rule cs1=r {digit} msg=no way in"
SENDERS = ["", "Sep 19 08:26:10 host ", "<134>Sep 19 08:26:10 host ", "<134>1 2026-09-19T08:26:10Z host app 1 - - "]


@pytest.mark.parametrize("sender", SENDERS)
def test_cef_whatever_sends_it(sender):
    rows, types, notes = read(repeated(sender + CEF))
    row = rows[3]
    assert notes == ("the lines are in the format cef",)
    assert (row["product"], row["name"], row["signature"]) == ("threat|manager", "detected a \\ in message", "103")
    assert (row["act"], row["cs1"], row["msg"], types["rt"]) == ("blocked a =", "r 3", "no way in", "BIGINT")
    assert (row["host"] is None, types["time"]) == (not sender, "TIMESTAMP" if sender else "VARCHAR")
    if "2026" in sender:
        assert row["time"] == datetime(2026, 9, 19, 8, 26, 10)


@pytest.mark.parametrize(
    ("head", "between"),
    [
        ("LEEF:1.0|Microsoft|MSExchange|4.0 SP1|15345|", "\t"),
        ("LEEF:2.0|Lancope|StealthWatch|1.0|41|^|", "^"),
        ("LEEF:2.0|Lancope|StealthWatch|1.0|41|x7C|", "|"),
        ("LEEF:2.0|Lancope|StealthWatch|1.0|41|0x09|", "\t"),
        ("<13>1 2026-03-02T08:00:00Z host LEEF:1.0|A|B|1|2|", "\t"),
    ],
)
def test_leef_whatever_separates_its_attributes(head, between):
    parts = ["src=10.50.1.{digit}", "sev={digit}", "usrName=ann lee x=y", "devTime=Mar 02 2026 08:00:{second:02d}"]
    rows, types, notes = read(repeated(head + between.join(parts)))
    assert notes == ("the lines are in the format leef",)
    assert (types["sev"], types["devTime"]) == ("BIGINT", "TIMESTAMP")
    row = rows[5]
    assert (row["src"], row["usrName"], row["devTime"]) == (
        "10.50.1.5",
        "ann lee x=y",
        datetime(2026, 3, 2, 8, 0, 5),
    )


def test_journald_times_and_messages_that_are_no_text():
    began = int(datetime(2026, 3, 2, 8, tzinfo=UTC).timestamp() * 1e6)
    records = [
        {
            "__CURSOR": f"s=1;i={i:x}",
            "__REALTIME_TIMESTAMP": str(began + i * 1_000_000),
            "PRIORITY": str(3 + i % 4),
            "MESSAGE": [233, 116, 233] if i == 7 else f"session {i} opened for user {'abc'[i % 3]}",
            **({"_COMM": "cron"} if i % 5 else {"_COMM": None, "TAGS": ["a", "b"]}),
        }
        for i in range(200)
    ]
    rows, types, _ = read("".join(json.dumps(record) + "\n" for record in records), name="journal.json")
    assert types["MESSAGE"] == "VARCHAR"
    assert [rows[i]["MESSAGE"] for i in (6, 7)] == ["session 6 opened for user a", "été"]
    with Table("0-journal.json") as table:
        roles = {column.name: column for column in infer_roles(table).columns}
    assert [str(roles[name].role) for name in ("__CURSOR", "__REALTIME_TIMESTAMP", "MESSAGE")] == [
        "key",
        "timestamp",
        "text",
    ]
    assert roles["__REALTIME_TIMESTAMP"].reason == "text, read as microseconds since 1970"


PAIRS = {
    "blanks": "ts=2026-03-02T08:00:{second:02d}Z user={user} took={i}",
    "comma, blank": "ts=2026-03-02T08:00:{second:02d}Z, user={user}, took={i}",
    "comma": "ts=2026-03-02T08:00:{second:02d}Z,user={user},took={i}",
    "semicolon": "ts=2026-03-02T08:00:{second:02d}Z;user={user};took={i}",
    "pipe": "ts=2026-03-02T08:00:{second:02d}Z|user={user}|took={i}|",
    "ampersand": "ts=2026-03-02T08:00:{second:02d}Z&user={user}&took={i}",
    "quotes": "ts='2026-03-02 08:00:{second:02d}' user=\"{user}\" took={i}",
}


@pytest.mark.parametrize("kind", PAIRS)
def test_pairs_whatever_is_between_them(kind):
    text = "".join(PAIRS[kind].format(second=i, user=f"u{i % 3}", i=i) + "\n" for i in range(N))
    rows, types, _ = read(text)
    assert {name: types[name] for name in ("ts", "user", "took")} == {
        "ts": "TIMESTAMP",
        "user": "VARCHAR",
        "took": "BIGINT",
    }
    assert (rows[4]["ts"], rows[4]["user"], rows[4]["took"]) == (datetime(2026, 3, 2, 8, 0, 4), "u1", 4)


LATE = {
    "logfmt": ("level=info took={i}", " err={i} why=gone"),
    "joined-pairs": ("level=info;took={i}", ";err={i};why=gone"),
    "cef": ("CEF:0|A|G|1|100|x|1|src=a took={i}", " err={i} why=gone"),
    "leef": ("LEEF:1.0|A|B|1|2|src=a\ttook={i}", "\terr={i}\twhy=gone"),
}


@pytest.mark.parametrize("kind", LATE)
def test_keys_that_come_late_are_columns_in_their_type(kind):
    begin, more = LATE[kind]
    late = repeated(begin, 1_200) + repeated(begin + more, 3)
    for texts in ([late], [repeated(begin, 1_200), repeated(begin + more, 3)]):
        rows, types, _ = read(*texts)
        assert (types["took"], types["err"], types["why"]) == ("BIGINT", "BIGINT", "VARCHAR")
        assert [(row["err"], row["why"]) for row in rows[-2:]] == [(1, "gone"), (2, "gone")]
        assert rows[0]["err"] is None
        for path in Path().glob("*-sample.log"):
            path.unlink()


def test_a_value_beyond_the_first_lines_that_has_another_type_is_kept():
    rows, types, _ = read(repeated("level=info port=8{digit}", 1_500) + "level=info port=REVERSED\n")
    assert types["port"] == "VARCHAR"
    assert rows[-1]["port"] == "REVERSED"


def test_times_without_a_year_in_pairs_are_of_the_year_of_the_file():
    rows, types, _ = read(repeated('time="Mar 02 08:00:{second:02d}" level=info took={i}'))
    assert types["time"] == "TIMESTAMP"
    assert (rows[9]["time"].month, rows[9]["time"].second) == (3, 9)


WRITTEN = [
    *("%d/%m/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%d.%m.%Y %H:%M:%S", "%d-%b-%Y %H:%M:%S", "%B %d, %Y %I:%M:%S %p"),
    *("%a %b %d %H:%M:%S %Y", "%Y%m%d %H:%M:%S", "%a, %d %b %Y %H:%M:%S +0000", "%s", "%s.000", "%d/%m/%y %H:%M:%S"),
    *("[%d/%m/%Y %H:%M:%S]", "%Y%m%dT%H%M%SZ", "%Y-%m-%d %H:%M:%S,000", "%y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M:%S"),
]


@pytest.mark.parametrize("level", ["", "ERROR "])
@pytest.mark.parametrize("form", WRITTEN)
def test_lines_begin_with_times_as_tables_have_them(form, level):
    moments = [datetime.fromtimestamp(1_767_254_400 + 11_001 * i, UTC) for i in range(300)]
    seconds = [str(int(moment.timestamp())) for moment in moments]
    lines = [moment.strftime(form.replace("%s", at)) for moment, at in zip(moments, seconds, strict=True)]
    Path("x.log").write_text("".join(f"{line} {level}job {i} of u{i % 3} done\n" for i, line in enumerate(lines)))
    with Table("x.log") as table:
        roles = infer_roles(table, find_key=False)
        read = next(table.batches(roles.select(), (), None, 300))
        texts = next(table.batches({"message": "message"}, (), None, 300))["message"].to_list()
    assert read["time"].to_list() == [moment.replace(tzinfo=None) for moment in moments]
    assert texts[:2] == ["job 0 of u0 done", "job 1 of u1 done"]

"""Values written for people and by programs: times, numbers, and what stands for a missing one."""

import csv
import re
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from databases import opened

from anomembed.errors import ConfigError, SourceError
from anomembed.read.roles.assigned import match_roles
from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.sequences import EVENTS, GAPS, form_sequences, read_sequences, sequence_roles
from anomembed.read.table import Table

TOP = Path(__file__).parents[1]
N = 300
START = datetime(2026, 1, 5, 0, 7, 9)
MOMENTS = [START + timedelta(hours=31 * i, seconds=i) for i in range(N)]
SECONDS = (MOMENTS[0] - datetime(1970, 1, 1)).total_seconds()


def text_of(form):
    """Times in a format, in which - leaves out a zero at the start."""
    return [moment.strftime(form) for moment in MOMENTS]


def epochs(factor):
    return [int((moment - datetime(1970, 1, 1)).total_seconds() * factor) for moment in MOMENTS]


TIMES = {
    "name-day": text_of("%d-%b-%Y %H:%M:%S"),
    "capitals": [text.upper() for text in text_of("%d-%b-%Y %H:%M:%S")],
    "oracle": text_of("%d-%b-%y %I.%M.%S.%f %p"),
    "day first": text_of("%d/%m/%Y %H:%M:%S"),
    "no zeros": text_of("%-d/%-m/%Y %-H:%M:%S"),
    "month first": text_of("%m/%d/%Y %H:%M:%S"),
    "american": text_of("%b %-d, %Y %-I:%M:%S %p"),
    "dots": text_of("%d.%m.%Y %H:%M:%S"),
    "short year": text_of("%d/%m/%y %H:%M:%S"),
    "comma": text_of("%d/%m/%Y, %H:%M:%S"),
    "digits": text_of("%Y%m%d%H%M%S"),
    "digits T": text_of("%Y%m%dT%H%M%S"),
    "number": [int(text) for text in text_of("%Y%m%d%H%M%S")],
    "slashes": text_of("%Y/%m/%d %H:%M:%S.%f"),
    "fraction": text_of("%Y-%m-%d %H:%M:%S,123"),
    "mail": text_of("%a, %d %b %Y %H:%M:%S GMT"),
    "zone": [(moment + timedelta(hours=1)).strftime("%d/%b/%Y:%H:%M:%S +0100") for moment in MOMENTS],
    "iso zone": [(moment + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S+02:00") for moment in MOMENTS],
    "iso, blank, zone": [(moment + timedelta(hours=2)).strftime("%Y-%m-%d %H:%M:%S +02:00") for moment in MOMENTS],
    "iso Z": text_of("%Y-%m-%dT%H:%M:%SZ"),
    "c library": text_of("%a %b %d %H:%M:%S %Y"),
    "clock first": text_of("%H:%M:%S %d.%m.%Y"),
    "posted": epochs(1),
    "ts": [second + 0.5 for second in epochs(1)],
    "x in ms": epochs(1000),
    "seen_at": epochs(10**6),
    "event_time": epochs(10**9),
    "time as text": [f"{second}" for second in epochs(1)],
    "mixed": [text if i % 3 else text[:-3] for i, text in enumerate(text_of("%d/%m/%Y %H:%M:00"))],
    "Go": [moment.strftime("%Y-%m-%d %H:%M:%S.%f789 +0000 UTC") for moment in MOMENTS],
    "Go, local": [(moment + timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S +0100 CET") for moment in MOMENTS],
    "JavaScript": [
        (moment + timedelta(hours=1)).strftime("%a %b %d %Y %H:%M:%S GMT+0100 (Central European Standard Time)")
        for moment in MOMENTS
    ],
    ".NET": [f"/Date({second})/" for second in epochs(1000)],
    "brackets": text_of("[%d/%b/%Y:%H:%M:%S +0000]"),
    "iso in brackets": text_of("[%Y-%m-%d %H:%M:%S]"),
    "spreadsheet_date": [(moment - datetime(1899, 12, 30)) / timedelta(days=1) for moment in MOMENTS],
    "FileTime": [int((moment - datetime(1601, 1, 1)).total_seconds()) * 10**7 for moment in MOMENTS],
    "TimeStamp": [int((moment - datetime(1, 1, 1)).total_seconds()) * 10**7 for moment in MOMENTS],
    "with gaps": ["N/A" if i % 50 == 0 else text for i, text in enumerate(text_of("%Y-%m-%d %H:%M:%S"))],
}
DAYS = {
    "long month": text_of("%-d %B %Y"),
    "day digits": text_of("%Y%m%d"),
    "Posting Date": [(moment - datetime(1899, 12, 30)).days for moment in MOMENTS],
    "day number": [int(text) for text in text_of("%Y%m%d")],
    "week day": text_of("%A, %d %B %Y"),
}


@pytest.fixture(scope="module")
def timed():
    frame = pl.DataFrame(TIMES | DAYS | {"plain": ["p", "q", "r"] * (N // 3)})
    with Table(frame) as table:
        roles = infer_roles(table, find_key=False)
        return roles, next(table.batches(roles.select(), (), None, N))


@pytest.mark.parametrize("name", [*TIMES, *DAYS])
def test_a_time_is_read_however_it_is_written(timed, name):
    roles, values = timed
    column = next(column for column in roles.columns if column.name == name)
    assert column.role is Role.TIMESTAMP
    read = values[name].to_list()
    for i, (found, moment) in enumerate(zip(read, MOMENTS, strict=True)):
        if name == "with gaps" and i % 50 == 0:
            assert found is None
        elif name in DAYS:
            assert found == moment.replace(hour=0, minute=0, second=0)
        elif name == "mixed":
            assert found == moment.replace(second=0)
        else:
            assert abs(found - moment) < timedelta(seconds=0.6)


def test_the_reason_shows_the_format(timed):
    reasons = {column.name: column.reason for column in timed[0].columns}
    assert reasons["name-day"] == "text, read as times like 31-Dec-2026 23:59:58"
    assert reasons["posted"] == "whole numbers, read as seconds since 1970"
    assert reasons["spreadsheet_date"] == "double, read as days since 1899-12-30"
    assert reasons["FileTime"] == "whole numbers, read as units of 100 ns since 1601"
    assert reasons["Go"] == "text, read as times like 2026-12-31 23:59:58.123456789 +0100 CET"
    assert reasons["with gaps"].endswith("23:59:58; 'N/A' and the like count as missing (6 of 300)")


NUMBERS = {
    "us": lambda a: f"{a:,.2f}",
    "german": lambda a: swap(f"{a:,.2f}"),
    "french": lambda a: swap(f"{a:,.2f}").replace(".", "\u202f"),
    "nordic": lambda a: swap(f"{a:,.2f}").replace(".", "\u00a0"),
    "swiss": lambda a: f"{a:,.2f}".replace(",", "'"),
    "indian": lambda a: f"{a // 100000:.0f},{a % 100000 // 1000:02.0f},{a % 1000:06.2f}" if a > 1e5 else f"{a:.2f}",
    "dollars": lambda a: f"-${-a:,.2f}" if a < 0 else f"${a:,.2f}",
    "euros": lambda a: f"{swap(f'{a:,.2f}')} €",
    "code": lambda a: f"{a:,.2f} EUR",
    "code before": lambda a: f"USD {a:,.2f}",
    "brackets": lambda a: f"({-a:,.2f})" if a < 0 else f"{a:,.2f}",
    "minus behind": lambda a: f"{-a:.2f}-" if a < 0 else f"{a:.2f}",
    "minus sign": lambda a: f"{a:,.2f}".replace("-", "\u2212"),
    "per cent": lambda a: f"{a:.2f} %",
    "power": lambda a: f"{a:.6e}",
    "weight": lambda a: f"{a:.2f} kg",
    "decimal comma": lambda a: f"{a:.2f}".replace(".", ","),
    "gaps": lambda a: "n/a" if abs(a) < 400 else f"{a:.2f}",
}
AMOUNTS = [round((-1) ** (i % 7 == 0) * (i * 1237.531 % 9000 + i % 5), 2) for i in range(1, N + 1)]


def swap(text):
    return text.replace(",", "#").replace(".", ",").replace("#", ".")


@pytest.fixture(scope="module")
def counted():
    frame = pl.DataFrame({name: [write(a) for a in AMOUNTS] for name, write in NUMBERS.items()})
    with Table(frame) as table:
        roles = infer_roles(table, find_key=False)
        return roles, next(table.batches(roles.select(), (), None, N))


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_is_read_however_it_is_written(counted, name):
    roles, values = counted
    assert next(column for column in roles.columns if column.name == name).role is Role.NUMBER
    expected = [None if name == "gaps" and abs(a) < 400 else a for a in AMOUNTS]
    assert values[name].to_list() == pytest.approx(expected, abs=0.006, nan_ok=True)


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["12.5 MB", "3 KiB", "900 B"], [12_500_000, 3072, 900]),
        (["1.5k", "200", "3M"], [1500, 200, 3_000_000]),
        (["120 ms", "1.5 s", "2 min"], [0.12, 1.5, 120]),
        (["1,234", "999", "1,234,567"], [1234, 999, 1_234_567]),
        (["1.234 €", "12 €", "999 €"], [1234, 12, 999]),
        (["1,234", "0,5", "7,25"], [1.234, 0.5, 7.25]),
    ],
)
def test_units_and_the_decimal_sign_follow_from_the_column(texts, values):
    found, read = read_text([texts[i % 3] if i < 30 else texts[2].replace("9", str(i % 9)) for i in range(N)], "number")
    assert found.role is Role.NUMBER
    assert read[:3] == pytest.approx(values)


@pytest.mark.parametrize("form", ["%H:%M", "%H:%M:%S", "%I:%M:%S %p", "%I:%M%p", "%H:%M:%S.%f"])
def test_times_of_day_alone_are_numbers_of_seconds(form):
    moments = [moment.replace(second=0) if "%S" not in form else moment for moment in MOMENTS]
    column, read = read_text([moment.strftime(form) for moment in moments])
    assert (column.role, column.reason) == (Role.NUMBER, "text, read as times of day, in seconds")
    assert read == [moment.hour * 3600 + moment.minute * 60 + moment.second for moment in moments]
    assert read_text([f"{40 + i % 50}:{i % 60:02d}" for i in range(N)])[0].role is not Role.NUMBER


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["12.50 CR", "3.25 DR", "1,234.00 CR"], [12.5, -3.25, 1234]),
        (["12.50", "3.25 DR", "1,234.00"], [12.5, -3.25, 1234]),
        (["12.50", "3.25 CR", "1,234.00"], [12.5, -3.25, 1234]),
        (["12.50", "n.a.", "#DIV/0!"], [12.5, None, None]),
    ],
)
def test_debits_are_negative_beside_credits_and_credits_beside_plain_amounts(texts, values):
    some = [text.replace("5", str(i % 10)) for i in range(100) for text in texts]
    column, read = read_text([*texts, *some, "1.00"])
    assert column.role is Role.NUMBER
    assert read[:3] == values


def read_text(values, told=None, name="x", **more):
    """The column of some values, and what is read from it."""
    with Table(pl.DataFrame({name: values, "plain": ["p", "q"] * (len(values) // 2)})) as table:
        roles = infer_roles(table, {Role(told): [name]} if told else {}, find_key=False, **more)
        column = roles.columns[0]
        select = {name: column.plain_sql} if column.role.is_scored else {name: "1"}
        return column, next(table.batches(select, (), None, len(values)))[name].to_list()


NEITHER = {
    "zeros": [f"{i:05d}" for i in range(N)],
    "zeros and gaps": ["-" if i % 9 == 0 else f"{i:05d}" for i in range(N)],
    "phone": [f"{200 + i} 555 {100 + i}" for i in range(N)],
    "international": [f"+49 170 {1000 + i}" for i in range(N)],
    "version": [f"{i % 9}.{i % 7}.{i}" for i in range(N)],
    "address": [f"10.0.{i % 7}.{i % 250}" for i in range(N)],
    "score": [f"{i % 17}-{i % 13}" for i in range(N)],
    "seat": [f"{i % 40}{'ABCDEF'[i % 6]}" for i in range(N)],
    "code": [f"C{i % 40:04d}" for i in range(N)],
    "whole text": [str(10_115 + i % 40) for i in range(N)],
    "hex": [f"{i * 7919 % 65536:04x}" for i in range(N)],
    "zip_code": ["-" if i % 9 == 0 else str(10_115 + i % 40) for i in range(N)],
    "grade": [f"{i % 5} %" for i in range(N)],
}
NO_TIME = {
    "amount": [1_700_000_000 + 977 * i for i in range(N)],
    "order_id": [1_700_000_000_000 + 977 * i for i in range(N)],
    "tweet": [1_700_000_000_000_000_000 + 977 * i for i in range(N)],
    "uptime": [1_700_000_000 + 977 * i for i in range(N)],
    "day": [20_260_000 + i for i in range(N)],
    "dotted": [20_000_000 + 50 * i for i in range(N)],
    "time": [i * 60 for i in range(N)],
}


@pytest.mark.parametrize("name", [*NEITHER, *NO_TIME])
def test_what_only_looks_like_a_time_or_a_number_is_none(name):
    column, _ = read_text((NEITHER | NO_TIME)[name], name=name)
    assert column.role is not Role.TIMESTAMP
    assert column.written is None
    assert (column.role is Role.NUMBER) == (name in NO_TIME and name != "order_id")


UNDECIDED = [f"{1 + i % 12:02d}/{1 + i % 11:02d}/2026" for i in range(N)]


def test_day_or_month_first_is_said_where_both_fit():
    column, read = read_text(UNDECIDED)
    assert read[1] == datetime(2026, 2, 2)
    assert read[12] == datetime(2026, 2, 1)
    note = "times like 31/12/2026 rather than 12/31/2026, though both fit; if not, give --time-format"
    assert column.note == note
    assert column.reason.endswith(note)


def test_one_value_decides_for_the_column():
    assert read_text([*UNDECIDED[:-2], "01/31/2026", "01/31/2026"])[1][12] == datetime(2026, 1, 2)


def test_times_of_a_day_are_days_apart_rather_than_months():
    """A log of nine days in March, month first."""
    _, read = read_text([f"03/{1 + i * 9 // N:02d}/2026 {i % 24:02d}:00" for i in range(N)])
    assert (read[0].month, read[-1].month, read[-1].day) == (3, 3, 9)


def test_an_infinite_time_does_not_hide_the_format():
    times = [f"{1 + i % 12:02d}/{1 + i % 11:02d}/2026 08:00" for i in range(N - 20)]
    column, read = read_text([*times, *["infinity", "2026-01-05"] * 10], "timestamp")
    assert column.role is Role.TIMESTAMP
    assert read[0] == datetime(2026, 1, 1, 8)


def test_the_format_can_be_told():
    column, read = read_text(UNDECIDED, time_format="%m/%d/%Y")
    assert read[12] == datetime(2026, 1, 2)
    assert column.note == ""
    with pytest.raises(SourceError, match="no column of the frame holds times in the format %Y, which is written like"):
        read_text(UNDECIDED, time_format="%Y")
    with pytest.raises(ConfigError, match="'%Q' is not a format of times; write it like '%d/%m/%Y %H:%M'"):
        read_text(UNDECIDED, time_format="%Q")


@pytest.mark.parametrize("unique", [text_of("%d-%b-%Y %H:%M:%S"), epochs(1000), [f"{a:,.2f}" for a in range(N)]])
def test_a_time_or_an_amount_is_no_key_though_unique(unique):
    with Table(pl.DataFrame({"at": unique, "c": ["p", "q"] * (N // 2)})) as table:
        assert not infer_roles(table).key


def test_what_is_told_must_be_readable():
    texts = [f"{i}.5" if i % 4 else f"about {i}" for i in range(N)]
    with pytest.raises(
        SourceError, match=r"25% of the values .* as a number, such as 'about 0', 'about 100', 'about 104'; conv"
    ):
        read_text(texts, "number")
    days = [text if i % 5 else "soon" for i, text in enumerate(text_of("%d-%b-%Y"))]
    with pytest.raises(
        SourceError, match=r"20% .* as a timestamp, such as 'soon'; say how they are written by --time-format"
    ):
        read_text(days, "timestamp")
    column, read = read_text([*days[1:5], *text_of("%d-%b-%Y")[4:], "soon", "-"], "timestamp")
    assert (
        column.note == "what cannot be read counts as missing (1 of 301); '-' and the like count as missing (1 of 302)"
    )
    assert read[-2:] == [None, None]


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ([9999.0 if i % 40 == 0 else i * 0.1 for i in range(N)], "9999"),
        ([-1 if i % 40 == 0 else 5000 + i for i in range(N)], "-1"),
        ([0 if i % 40 == 0 else 5000 + i for i in range(N)], "0"),
        ([datetime(1900, 1, 1) if i % 40 == 0 else MOMENTS[i] for i in range(N)], "1900-01-01"),
        (["12/31/9999" if i % 40 == 0 else MOMENTS[i].strftime("%m/%d/%Y") for i in range(N)], "9999-12-31"),
        (["99,999.00" if i % 40 == 0 else f"{1000 + i:,.2f}" for i in range(N)], "99999"),
    ],
)
def test_a_repeated_value_far_from_all_others_is_missing(values, missing):
    column, read = read_text(values)
    assert [i for i, value in enumerate(read) if value is None] == list(range(0, N, 40))
    assert column.reason.endswith(f"; {missing}, far from all others, counts as missing (8 of 300)")


@pytest.mark.parametrize(
    "values",
    [
        [9999.0 if i == 7 else i * 0.1 for i in range(N)],
        [-1 if i % 40 == 0 else i for i in range(N)],
        [9999 if i % 40 == 0 else 33 * i for i in range(N)],
        [datetime(1970, 1, 1) if i == 7 else MOMENTS[i] for i in range(N)],
    ],
    ids=["single", "near", "among", "single time"],
)
def test_a_single_far_value_and_a_near_one_are_values(values):
    column, read = read_text(values)
    assert column.written is None
    assert None not in read


@pytest.mark.parametrize("form", ["%Y-%m", "%m/%Y", "%b %Y", "%B %Y", "%b-%y"])
def test_months_are_times_where_they_are_said_to_be(form):
    _, read = read_text(text_of(form), "timestamp")
    assert read == [datetime(moment.year, moment.month, 1) for moment in MOMENTS]
    assert read_text(text_of(form))[0].role is Role.CATEGORY


@pytest.mark.parametrize("form", [None, "%d-%b-%Y"])
def test_dates_far_from_all_others_are_told(form):
    """Typing errors: no view judges how late a date is."""
    strays = {7: datetime(2052, 1, 5), 9: datetime(1926, 3, 1)}
    days = [strays.get(i, moment) for i, moment in enumerate(MOMENTS)]
    column, _ = read_text([day.strftime(form) for day in days] if form else days)
    assert (
        column.note
        == f"far from all others, which are from {MOMENTS[0].date()} to {MOMENTS[-1].date()}: 1926-03-01, 2052-01-05"
    )
    assert not read_text(MOMENTS)[0].note
    assert not read_text(days[5:25])[0].note  # too few to tell


def test_words_name_no_entity():
    column, read = read_text(["N/A" if i % 10 == 0 else f"u{i % 9}" for i in range(N)], "entity")
    assert read[:2] == [None, "u1"]
    assert column.note == "'-', 'N/A' and the like name no entity (30 of 300)"


OTHER_TYPES = [
    (["1,234.50", "7.25"], [12.5, 7.25], [12.5, 7.25]),
    ([12.5, 7.25], ["1,234.50", "7.25"], [1234.5, 7.25]),
    (["1.234,50", "7,25"], ["12,50", "7"], [12.5, 7]),
    (["05-JAN-2026", "28-FEB-2026"], [datetime(2026, 1, 5)] * 2, [datetime(2026, 1, 5)] * 2),
    ([datetime(2026, 1, 5), datetime(2026, 2, 28)], ["05-JAN-2026"] * 2, [datetime(2026, 1, 5)] * 2),
    (["31/01/2026", "01/02/2026"], ["01/02/2026"] * 2, [datetime(2026, 2, 1)] * 2),
    (["01/31/2026", "01/02/2026"], ["01/02/2026"] * 2, [datetime(2026, 1, 2)] * 2),
    ([1_767_600_000, 1_767_700_000], [datetime(2026, 1, 5)] * 2, [datetime(2026, 1, 5)] * 2),
    ([1_767_600_000, 1_767_700_000], ["1767600000"] * 2, [datetime(2026, 1, 5, 8)] * 2),
]


@pytest.mark.parametrize(("fitted", "scored", "read"), OTHER_TYPES)
def test_another_table_is_read_as_the_fitted_one(fitted, scored, read):
    is_time = isinstance(read[0], datetime)
    given = {Role.TIMESTAMP if is_time else Role.NUMBER: ["x"]}
    with Table(pl.DataFrame({"x": fitted, "plain": ["p", "q"]})) as table:
        roles = infer_roles(table, given, find_key=False)
    with Table(pl.DataFrame({"x": scored, "plain": ["p", "q"]})) as table:
        matched = match_roles(roles, table)
        assert next(table.batches(matched.select(), (), None, 9))["x"].to_list() == read


@pytest.mark.parametrize(
    ("fitted", "scored"), [(["1,234.50", "7.25"], ["many", "few"]), ([12.5, 7.25], [datetime(2026, 1, 5)] * 2)]
)
def test_what_cannot_be_read_as_the_fitted_column_is_refused(fitted, scored):
    with Table(pl.DataFrame({"x": fitted, "plain": ["p", "q"]})) as table:
        roles = infer_roles(table, {Role.NUMBER: ["x"]}, find_key=False)
    with (
        Table(pl.DataFrame({"x": scored, "plain": ["p", "q"]})) as table,
        pytest.raises(SourceError, match="fitted on"),
    ):
        match_roles(roles, table)


def test_the_order_of_rows_does_not_matter(tmp_path):
    """Of more records than are looked at."""
    rows = "SELECT strftime(TIMESTAMP '2026-01-01' + INTERVAL (i // 2) MINUTE, '%d/%m/%Y %H:%M') AS x, i % 7 AS c"
    found = []
    for order in ("i", "hash(i)"):
        path = str(tmp_path / f"{order}.duckdb")
        with opened(path) as connection:
            connection.execute(f"CREATE TABLE t AS {rows} FROM range(30000) t(i) ORDER BY {order}")
        with Table(path) as table:
            found.append(infer_roles(table))
    assert found[0] == found[1]
    assert found[0].columns[0].role is Role.TIMESTAMP


def write(path, header, rows, delimiter=","):
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([header, *rows])


def test_a_model_reads_the_next_file_alike(run, tmp_path):
    """The planted amount stands out although all of the second file's amounts look like plain numbers."""
    rows = [[i, f"u{i % 5}", MOMENTS[i % N].strftime("%d/%m/%Y %H:%M"), f"${1000 + i % 89:,.2f}"] for i in range(600)]
    header = ["id", "who", "at", "amount"]
    write(tmp_path / "a.csv", header, rows)
    write(
        tmp_path / "b.csv",
        header,
        [[i, f"u{i % 5}", rows[i][2], "3.5" if i == 7 else f"{999 - i}.5"] for i in range(40)],
    )
    assert run("init", "a.csv", "-o", "a.toml").code == 0
    text = (tmp_path / "a.toml").read_text()
    assert "# text, read as numbers like 1,234.56" in text
    assert "# text, read as times like 31/12/2026 23:59" in text
    assert run("fit", "a.toml").code == 0
    (tmp_path / "b.toml").write_text(text.replace("a.csv", "b.csv"))
    outcome = run("score", "b.toml", "--model", "1", "--budget", "1", "--format", "json")
    assert outcome.code == 0, outcome.err
    assert '"id":7' in outcome.out.replace(" ", "")


@pytest.mark.parametrize("form", ["%d-%b-%Y %H:%M", "%m/%d/%Y %H:%M"])
def test_events_are_in_the_order_of_time_however_it_is_written(form):
    """By text, the tenth of a month would come before the second."""
    days = [(f"s{i % 20}", MOMENTS[0] + timedelta(days=8 * i), f"e{i // 20}") for i in range(100)]
    frame = pl.DataFrame(
        [(who, at.strftime(form), what) for who, at, what in days], ["who", "at", "what"], orient="row"
    )
    with Table(frame) as table:
        roles = sequence_roles(table, "who", ["at"], ["what"])
        read = pl.concat(read_sequences(table, roles, None, 99))
    assert read[EVENTS].to_list() == [[f"e{i}" for i in range(5)]] * 20
    assert read[GAPS].to_list() == [[None, *[160 * 86400.0] * 4]] * 20


def test_sessions_are_cut_by_times_in_text():
    times = [START + timedelta(days=i // 4, minutes=i % 4) for i in range(N)]
    with Table(pl.DataFrame({"at": [at.strftime("%d-%b-%Y %H:%M") for at in times], "what": ["a"] * N})) as table:
        form_sequences(table, [], "at", ["what"], session_gap="1h")
        assert table.count_distinct([table.column("sequence")]) == N // 4


def test_log_lines_have_times_in_all_of_these_formats(tmp_path):
    path = tmp_path / "x.log"
    for form in ("%d-%b-%Y %H:%M:%S", "%a, %d %b %Y %H:%M:%S GMT", "%m/%d/%Y %I:%M:%S %p", "%Y%m%dT%H%M%S"):
        path.write_text("".join(f"[{text}] job {i} done\n" for i, text in enumerate(text_of(form))))
        with Table(str(path), None, r"^\[(?P<time>[^\]]+)\] (?P<message>.*)$") as table:
            assert table.column("time").type == "TIMESTAMP"
            read = next(table.batches({"time": "time"}, (), None, N))["time"].to_list()
        assert read == [moment.replace(microsecond=0) for moment in MOMENTS]


def documented():
    """The rows of the table of what is recognised: each example, its role, and what it is read as."""
    page = (TOP / "docs" / "guide-fraud-scan.md").read_text(encoding="utf-8")
    table = page.split("<!-- recognised -->")[1].split("<!-- end: recognised -->")[0].strip().splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return [(text, kind, read) for texts, kind, read in rows for text in re.findall("`([^`]+)`", texts)]


@pytest.mark.parametrize(("text", "kind", "read"), documented())
def test_the_guide_tells_the_truth(text, kind, read):
    values = read_text([text, text], "timestamp" if kind == "times" else "number")[1]
    assert values[0] == (datetime.fromisoformat(read) if kind == "times" else pytest.approx(float(read)))


def test_days_of_a_spreadsheet_are_numbers_where_the_name_says_nothing():
    days = [46_027 + at % 90 for at in range(N)]
    with Table(pl.DataFrame({"end": days, "visits": days, "plain": ["p", "q", "r"] * (N // 3)})) as table:
        roles = infer_roles(table, find_key=False)
    assert [column.role for column in roles.columns[:2]] == [Role.NUMBER, Role.NUMBER]


def test_a_weight_in_pounds_among_kilograms_is_a_number():
    weights = [f"{60 + at % 23}.5 kg" for at in range(N)]
    weights[70] = "154.3 lb"
    units = [f"{60 + at % 23}.5 {'kg' if at % 3 else 'lb'}" for at in range(N)]
    with Table(pl.DataFrame({"weights": weights, "units": units, "plain": ["p", "q", "r"] * (N // 3)})) as table:
        roles = infer_roles(table, find_key=False)
        read = next(table.batches({"read": roles.select()["weights"]}, (), None, N))["read"].to_list()
    assert [column.role for column in roles.columns[:2]] == [Role.NUMBER, Role.CATEGORY]
    assert (read[0], read[70]) == (60.5, 154.3)

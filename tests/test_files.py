"""The same 300 records, however they are written, are read as the same table; what differs is told."""

import bz2
import codecs
import csv
import datetime as dt
import gzip
import io
import json
import lzma
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from databases import opened

from anomembed.errors import ConfigError, SourceError
from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table

START = dt.datetime(2026, 3, 2, 8, 30)
NAMES = ["id", "shop", "amount", "at", "note"]
RECORDS = [
    (
        i,
        f"Café {'xyz'[i % 3]}",
        i * 0.25 + 10,
        START + dt.timedelta(minutes=i),
        None if i % 7 == 0 else f'a "b"; {i % 5}, |c',
    )
    for i in range(300)
]


def write_csv(
    path, *, encoding="utf-8", above=(), below=(), header=True, comma=False, end="\n", compress=None, **dialect
):
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=end, **dialect)
    text.write("".join(line + end for line in above))
    if header:
        writer.writerow(NAMES)
    for number, shop, amount, at, note in RECORDS:
        written = f"{amount:.2f}".replace(".", ",") if comma else f"{amount:.2f}"
        writer.writerow([number, shop, written, at.isoformat(sep=" "), note])
    text.write("".join(line + end for line in below))
    data = text.getvalue().encode(encoding)
    Path(path).write_bytes(compress(data) if compress else data)


def zstd(data):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


def as_json():
    return [dict(zip(NAMES, [*row[:3], row[3].isoformat(sep=" "), row[4]], strict=True)) for row in RECORDS]


def read(source, read=None, names=NAMES):
    with Table(str(source), None, None, read) as table:
        select = {name: table.column(column).expression for name, column in zip(NAMES, names, strict=True)}
        return sorted(pl.concat(table.batches(select, [], None, 1000)).select(NAMES).rows()), table.notes


CSV = {
    "plain.csv": ({}, ()),
    "unknown": ({}, ()),
    "table.log": ({"delimiter": "|"}, ("read as CSV: '|' between fields",)),
    "bom.csv": ({"encoding": "utf-8-sig", "end": "\r\n"}, ()),
    "semicolon.txt": (
        {"delimiter": ";", "comma": True, "encoding": "cp1252", "end": "\r\n"},
        ("read as CSV: ';' between fields, decimal comma, Windows-1252",),
    ),
    "tab.dat": ({"delimiter": "\t"}, ("read as CSV: tab between fields",)),
    "utf16.csv": ({"encoding": "utf-16"}, ("read as CSV: UTF-16",)),
    "utf16be.csv": (
        {"encoding": "utf-16-be", "delimiter": ";"},
        ("read as CSV: ';' between fields, UTF-16-BE",),
    ),
    "quoted.csv": ({"quoting": csv.QUOTE_ALL}, ()),
    "framed.csv": (
        {"above": ["Bank", "", "March;;"], "below": ["", "300 records"], "delimiter": ";"},
        ("read as CSV: ';' between fields; 3 lines above the header and 1 line below the records are left out",),
    ),
    "total.csv": (
        {"below": ["Total,,14212.50,,"]},
        ("read as CSV: 1 line below the records is left out",),
    ),
    "packed.csv.gz": ({"compress": gzip.compress}, ()),
    "packed.csv.bz2": ({"compress": bz2.compress}, ()),
    "packed.csv.zst": ({"compress": zstd}, ()),
    "packed.csv.xz": ({"compress": lzma.compress}, ()),
    "packed": ({"compress": gzip.compress, "encoding": "utf-16"}, ("read as CSV: UTF-16",)),
}


@pytest.mark.parametrize("name", CSV)
def test_a_table_in_any_dialect_encoding_and_compression_is_the_same(name):
    options, notes = CSV[name]
    write_csv(name, **options)
    assert read(name) == (RECORDS, notes)


def test_a_table_without_a_header_has_numbered_columns():
    write_csv("x.csv", header=False)
    names = [f"column{i}" for i in range(5)]
    assert read("x.csv", names=names) == (RECORDS, ("read as CSV: no header",))


def lines_of(records):
    return "".join(json.dumps(record) + "\n" for record in records)


JSON = {
    "lines.ndjson": (lines_of, ()),
    "lines.log": (lines_of, ()),
    "array.json": (json.dumps, ()),
    "array": (lambda records: json.dumps(records, indent=2), ()),
    "pretty.txt": (lambda records: "".join(json.dumps(record, indent=1) + "\n" for record in records), ()),
    "one.json": (lambda records: json.dumps({"Records": records}), ("the records are the items of Records",)),
    "deep.json": (
        lambda records: json.dumps({"took": 3, "hits": {"hits": records}}),
        ("the records are the items of hits.hits; took beside it is left out",),
    ),
    "cut.ndjson": (lambda records: lines_of(records) + '{"id": 3', ("1 of 301 lines is not JSON and left out",)),
}


@pytest.mark.parametrize("name", JSON)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
def test_json_in_any_form_is_the_same(name, encoding):
    write, notes = JSON[name]
    Path(name).write_text(write(as_json()), encoding=encoding)
    found, said = read(name)
    assert said == notes
    assert [row[:3] for row in found] == [row[:3] for row in RECORDS]
    assert [row[4] for row in found] == [row[4] for row in RECORDS]
    assert [str(row[3])[:19] for row in found] == [str(row[3]) for row in RECORDS]


def test_many_objects_with_a_list_of_records_are_one_table():
    for part in range(3):
        Path(f"part-{part}.json").write_text(json.dumps({"Records": as_json()[part * 100 : part * 100 + 100]}))
    found, notes = read("part-*.json")
    assert [row[:3] for row in found] == [row[:3] for row in RECORDS]
    assert notes == ("the records are the items of Records",)


def test_a_large_object_is_read_record_by_record():
    Path("big.json").write_text(json.dumps({"Records": [{"id": i, "text": "x" * 1000} for i in range(20_000)]}))
    with Table("big.json") as table:
        assert (table.count(), [column.name for column in table.columns]) == (20_000, ["id", "text"])


def test_a_list_in_each_record_is_no_list_of_records():
    Path("orders.ndjson").write_text(lines_of({"id": i, "items": [{"sku": "a" * 50}] * 3} for i in range(50)))
    with Table("orders.ndjson") as table:
        assert table.count() == 50


def test_parquet_and_databases_need_no_ending(database):
    pl.DataFrame(RECORDS, schema=NAMES, orient="row").write_parquet("records.dat")
    assert read("records.dat") == (RECORDS, ())
    path = database("CREATE TABLE t AS FROM read_parquet('records.dat')", name="source.dat")
    assert read(path)[0] == RECORDS


ZEEK = (
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
    "#fields\tts\tid.resp_p\tbytes\tok\ttags\n#types\ttime\tport\tcount\tbool\tset[string]\n"
)
IIS = "#Software: IIS\n#Version: 1.0\n#Fields: date time cs-method cs-uri sc-status\n"


def test_the_head_of_a_zeek_log_names_the_columns():
    lines = [f"{1e9 + i:.6f}\t{80 + i % 2}\t{i}\tT\ta,b\n" for i in range(50)] + [
        "1000000900.500000\t-\t-\t-\t(empty)\n"
    ]
    Path("conn.log").write_text(ZEEK + "".join(lines) + "#close\t2026-01-01-00-00-00\n")
    with Table("conn.log") as table:
        kinds = {column.name: column.type for column in table.columns}
        assert kinds["ts"] == "TIMESTAMP"
        assert kinds["id.resp_p"] == "VARCHAR"
        assert kinds["bytes"] == "BIGINT"
        assert kinds["ok"] == "BOOLEAN"
        assert kinds["tags.values"] == "VARCHAR"
        frame = next(table.batches({"p": table.column("id.resp_p").expression}, [], "bytes IS NULL", 9))
    assert frame["p"].to_list() == [None]


def test_the_head_of_a_w3c_log_names_the_columns():
    lines = [f"2026-01-0{1 + i // 30} 00:{i % 60:02d}:00 GET /a#b{i % 3} 200\n" for i in range(100)]
    Path("u_ex.log").write_text(IIS + "".join(lines[:60]) + IIS + "".join(lines[60:]))
    with Table("u_ex.log") as table:
        assert table.count() == 100
        assert next((c.name, c.type) for c in table.columns) == ("time", "TIMESTAMP")
        assert table.count("\"cs-uri\" = '/a#b0' AND \"time\" >= TIMESTAMP '2026-01-04'") == 4


@pytest.mark.parametrize("name", ["messages.txt", "messages", "app.log", "it.out"])
def test_a_log_stays_lines(name):
    texts = [f"Mar  2 08:{i % 60:02d}:00 web sshd[{i}]: Failed password, user root, port {i}, ssh2" for i in range(50)]
    Path(name).write_text("\n".join(texts) + "\n")
    with Table(name) as table:
        assert table.notes == ("the lines are in the format syslog",)


def test_logs_of_a_glob_may_be_in_utf_16():
    for day, encoding in enumerate(("utf-8", "utf-16", "utf-16-le")):
        texts = [f"Mar  2 08:{i:02d}:00 web sshd[{i}]: Failed password for user{day}" for i in range(40)]
        Path(f"day{day}.log").write_bytes("\n".join(texts).encode(encoding))
    with Table("day*.log") as table:
        assert table.count() == 120
        assert [table.count(f"message LIKE '%user{day}' AND file = 'day{day}.log'") for day in range(3)] == [40, 40, 40]


def test_a_coloured_log_is_no_table():
    texts = [f"\x1b[2m2026-03-02 08:30:{i % 60:02d}\x1b[0;39m \x1b[32m INFO\x1b[0;39m job {i} done" for i in range(50)]
    Path("app.out").write_text("\n".join(texts) + "\n")
    with Table("app.out") as table:
        assert table.message is not None


def test_times_with_a_comma_before_the_fraction_are_no_table():
    texts = [f"2026-03-02 08:30:{i % 60:02d},{i:03d} worker {i % 3} is up" for i in range(50)]
    Path("app.out").write_text("\n".join(texts) + "\n")
    with Table("app.out") as table:
        assert table.columns[0].name == "line"


def test_what_comes_late_is_found():
    late = 100_000
    Path("late.ndjson").write_text('{"a": 1}\n' * late + '{"a": 1, "late": "z"}\n')
    Path("late.csv").write_text("a,b\n" + "1,2\n" * late + "1,x\n1.5,2\n")
    with Table("late.ndjson") as table:
        assert table.count("late = 'z'") == 1
    with Table("late.csv") as table:
        assert [column.type for column in table.columns] == ["DOUBLE", "VARCHAR"]
        assert table.count("a = 1.5 OR b = 'x'") == 2


def test_lines_that_do_not_fit_are_counted_and_told():
    rows = [f"{i},{i % 3},x" for i in range(5000)]
    rows[3000], rows[4000] = "1,2,3,4,5", "7,8"
    Path("x.csv").write_text("a,b,c\n" + "\n".join(rows) + "\n")
    with Table("x.csv") as table:
        assert table.count() == 4998
        assert "2 lines do not hold the 3 fields of the others (line 3,002 first)" in table.notes[0]
    with Table("x.csv", None, None, "null_padding=true") as table:
        assert table.count("c IS NULL") == 1


SHORT, LONG = "--read null_padding=true keeps lines that end early", "a value that holds what separates fields"


@pytest.mark.parametrize(("line", "helps", "does_not"), [("7,Acme", SHORT, LONG), ("7,Acme, Inc,x", LONG, SHORT)])
def test_what_helps_a_line_is_what_is_told(line, helps, does_not):
    rows = [f"{i},{'ABC'[i % 3]} name,x" for i in range(300)]
    rows[150] = line
    Path("x.csv").write_text("a,b,c\n" + "\n".join(rows) + "\n")
    with Table("x.csv") as table:
        assert helps in table.notes[0]
        assert does_not not in table.notes[0]


def test_a_quote_that_is_not_closed_is_found():
    rows = [f'{i},"{"ABC"[i % 3]} name",x' for i in range(300)]
    rows[150] = '150,"Acme,x'
    Path("x.csv").write_text("a,b,c\n" + "\n".join(rows) + "\n")
    with pytest.raises(SourceError, match=r"x\.csv: line 152 has a quote that is not closed; .* --read \"quote=''\""):
        Table("x.csv")
    with Table("x.csv", None, None, "quote=''") as table:
        assert table.count() == 300


def test_another_encoding_that_shows_late_is_found():
    Path("x.csv").write_bytes(b"a,b\n" + b"1,plain\n" * 200_000 + "2,café\n".encode("latin-1"))
    with Table("x.csv") as table:
        assert table.count("b = 'café'") == 1
        assert table.notes == ("read as CSV: Windows-1252",)


def test_options_say_how_to_read():
    Path("x.txt").write_bytes("junk\na~b\n1~ą\n2~b\n".encode("cp1250"))
    with Table("x.txt", None, None, "delim=~, encoding=cp1250, skip=1, header=true") as table:
        assert [column.name for column in table.columns] == ["a", "b"]
        assert table.count("b = 'ą'") == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("delimm=;", "unknown option 'delimm'; did you mean 'delim'?"),
        ("skip=x", "skip = 'x': a whole number is needed"),
        ("header=maybe", "true or false is needed"),
        ("skip", "skip has no value"),
        ("delim=;, maximum_depth=3", "different kinds of files"),
        ("encoding=klingon", "unknown encoding klingon"),
    ],
)
def test_wrong_options_are_told(run, options, said):
    write_csv("x.csv")
    outcome = run("scan", "x.csv", "--read", options)
    assert (outcome.code, said in outcome.err) == (2, True)
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04" + b"\0" * 50, "an Excel workbook: unpack it, or save the sheet as CSV"),
        (b"SQLite format 3\0" + b"\0" * 50, "a SQLite database"),
        (bytes(range(256)) * 10, "neither a DuckDB database nor Parquet nor text"),
        (b"", "is empty"),
        (b'<?xml version="1.0"?>\n<all>\n' + b"<e>1</e>\n" * 50, "is XML: save it as CSV or JSON, or read its lines"),
        (b"\xef\xbb\xbf<!DOCTYPE html>\n<p>Sign in</p>\n", "is HTML: save it as CSV"),
        (b"PAR1 but cut off", "is not a Parquet file, or is cut off"),
    ],
)
def test_what_cannot_be_read_says_what_it_is(data, said):
    Path("x.dat").write_bytes(data)
    with pytest.raises(SourceError, match=r".") as error:
        Table("x.dat")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_options_are_for_data_files(database):
    with pytest.raises(SourceError, match="--read is for data files"):
        Table(database("CREATE TABLE t AS SELECT 1"), None, None, "skip=1")
    write_csv("x.csv")
    with pytest.raises(ConfigError, match="maximum_depth"):
        Table("x.csv", None, None, "maximum_depth=1, skip=2")


def test_marks_of_encodings_are_ordered():
    from anomembed.read.files.content import MARKS

    marks = list(MARKS)
    assert marks.index(codecs.BOM_UTF32_LE) < marks.index(codecs.BOM_UTF16_LE)


def read_csv(rows, delimiter=","):
    """The columns of a CSV file by name, and what is read from them."""
    lines = [delimiter.join(map(str, row)) for row in rows]
    Path("x.txt").write_text("\n".join(lines) + "\n")
    with Table("x.txt") as table:
        roles = infer_roles(table, find_key=False)
        return {column.name: column for column in roles.columns}, next(table.batches(roles.select(), (), None, 999))


DAYS = [dt.datetime(2026, 1, 1) + dt.timedelta(hours=7 * i) for i in range(300)]


@pytest.mark.parametrize("form", ["%d/%m/%y", "%d.%m.%y", "%m/%d/%y", "%y/%m/%d", "%y-%m-%d", "%d-%m-%y %H:%M:%S"])
def test_which_part_of_a_short_date_is_the_year_follows_from_the_column(form):
    """DuckDB takes 31/12/26 for the year 2031, or 31."""
    columns, read = read_csv([["id", "when", "n"], *([i, day.strftime(form), i % 7] for i, day in enumerate(DAYS))])
    assert columns["when"].reason.startswith("text, read as times like")
    days = [day if "%H" in form else dt.datetime.combine(day.date(), dt.time()) for day in DAYS]
    assert read["when"].to_list() == days


@pytest.mark.parametrize("form", ["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"])
def test_dates_that_fit_two_orders_are_told(form):
    days = [day for day in DAYS if day.day <= 12]
    columns, read = read_csv([["id", "when", "n"], *([i, day.strftime(form), i % 7] for i, day in enumerate(days))])
    assert "though both fit; if not, give --time-format" in columns["when"].note
    assert read["when"].to_list() == days


@pytest.mark.parametrize("delimiter", ["^", "~", "\x01", "\x1f", "||"])
def test_other_signs_between_fields_are_found(delimiter):
    shops = ["Bakery", "Grocer, big", "Fuel"]
    rows = [[i, f"2026-01-{1 + i % 28:02d}", shops[i % 3], f"{7 * i % 31}.5"] for i in range(200)]
    for head in ([["id", "day", "shop", "amount"]], []):
        columns, read = read_csv([*head, *rows], delimiter)
        assert [column.type for column in columns.values()] == ["BIGINT", "DATE", "VARCHAR", "DOUBLE"]
        assert read[columns["shop" if head else "column2"].name].to_list() == [shops[i % 3] for i in range(200)]


AGENTS = ["Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "Mozilla/5.0 (X11; Linux; rv:9)", "Opera/9 (Mac; Intel; en)"]


@pytest.mark.parametrize("head", [[["id", "user", "agent"]], []], ids=["with names", "without"])
@pytest.mark.parametrize("delimiter", [",", "\t", "|"])
def test_what_every_text_has_as_often_separates_no_fields(delimiter, head):
    """Every user agent has two semicolons: more than a line has separators."""
    rows = [[i, f"user{i % 9}", AGENTS[i % 3]] for i in range(200)]
    columns, read = read_csv([*head, *rows], delimiter)
    assert [column.type for column in columns.values()] == ["BIGINT", "VARCHAR", "VARCHAR"]
    assert read[[*columns][-1]].to_list() == [row[-1] for row in rows]


def test_lines_that_begin_with_a_time_are_a_table_below_names_and_a_log_without():
    rows = [[f"2026-01-{1 + i % 28:02d} 10:00:00", f"user{i % 9}", AGENTS[i % 3]] for i in range(200)]
    assert [*read_csv([["time", "user", "agent"], *rows])[0]] == ["time", "user", "agent"]
    assert "message" in read_csv(rows)[0]


def test_a_decimal_comma_in_every_line_separates_no_fields():
    rows = [[f"2026-01-{1 + i % 28:02d}", f"{i},50", f"{i % 7},25"] for i in range(200)]
    _, read = read_csv([["day", "price", "weight"], *rows], ";")
    assert read["price"].to_list() == [i + 0.5 for i in range(200)]


def test_single_blanks_separate_fields_below_a_header_but_not_the_words_of_messages():
    """Flow logs of a cloud have no other sign between fields."""
    flows = [[2, f"eni-{i % 3}", f"10.0.0.{i % 7}", 1024 + i, 443, 10 + i % 9, "OK"] for i in range(200)]
    head = ["version", "interface", "source", "port", "to", "packets", "status"]
    _, read = read_csv([head, *flows], " ")
    assert read["packets"].to_list() == [flow[5] for flow in flows]
    for words in ([["service", "was", "started", "now"]], []):
        columns, _ = read_csv([*words, *(["worker", i, "was", "restarted"] for i in range(200))], " ")
        assert "message" in columns


def test_what_a_command_prints_in_aligned_columns_is_a_table():
    rows = [
        [40_000 + i, "ann" if i % 3 else "benjamin", 2 ** (i % 12), "COMPLETED" if i % 7 else "FAILED"]
        for i in range(200)
    ]
    printed = [f"{job:>7}  {user:<9} {size:>9}  {state:<10}" for job, user, size, state in rows]
    _, read = read_csv(
        [["  JobID  User           Size  State     "], ["------- --------- --------- ----------"], *zip(printed)]
    )
    assert read["Size"].to_list() == [row[2] for row in rows]


READINGS = [[f"2026-03-0{1 + i // 48}T{i // 2 % 24:02d}:00", f"s{i % 3}", 20 + i % 9, f"1.{i % 7}"] for i in range(300)]
READ_OF = ["at", "sensor", "temp", "pressure"]


@pytest.mark.parametrize(
    ("under", "delimiter"),
    [
        ([["s", "-", "degC", "bar"]], ","),
        ([["[s]", "", "[°C]", "[bar]"]], ";"),
        ([["datetime", "string", "float", "float"], ["UTC", "", "K", "Pa"]], ","),
        ([["When, if at all?", "Which", "How hot?", "How high?"], ['{"Import": 1}', "{}", '{"Import": 2}', "{}"]], "|"),
        ([['"When\nwas it?"', "Which", "How hot?", "How high?"]], ","),
        ([["", "", "degC", ""]], ","),
        ([["---", "---", "---:", "---"]], "|"),
        ([["----+----+----"]], "|"),
    ],
)
def test_rows_of_units_under_a_header_are_no_records(under, delimiter):
    columns, read = read_csv([READ_OF, *under, *READINGS], delimiter)
    assert [*read["temp"]] == [row[2] for row in READINGS]
    assert columns["at"].role is Role.TIMESTAMP


@pytest.mark.parametrize(
    "first", [["", "s1", "-", "N/A"], ["2026-03-01T00:00", "s1", "broken", "off"], ["", "s1", "off", ""]]
)
def test_a_first_record_without_numbers_is_a_record(first):
    assert read_csv([READ_OF, first, *READINGS])[1].height == 301


def test_what_is_left_out_under_a_header_is_told_and_only_where_it_is(run, tmp_path):
    """The second file has no units; its first record stays."""
    under = [["s", "-", "degC", "bar"]]
    for name, rows in {"a": [READ_OF, *under, *READINGS[:150]], "b": [READ_OF, *READINGS[150:]]}.items():
        (tmp_path / f"{name}.csv").write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
    err = run("scan", "*.csv", "--budget", "1").err
    assert "300 records" in err
    assert "left out under the header, as no records: 's,-,degC,bar'" in err


@pytest.mark.parametrize(("n_repeated", "end"), [(1, "\n"), (2, "\r\n")])
@pytest.mark.parametrize(
    ("header", "form"),
    [
        (
            "id,at,who,amount",
            lambda i: f"{i},2026-03-02T10:{i % 60:02d}:00+0{i % 2}:00,{'abc'[i % 3]},{i % 97}.{i % 7}",
        ),
        ("id,code,zip", lambda i: f"{i:05d},{'007' if i % 2 else '7'},{'nan' if i % 3 else 'inf'}"),
        ("id;day;amount;shop", lambda i: f"{i};{i % 28 + 1:02d}.01.2026;1.{i % 9}34,{i % 7};s{i % 3}"),
        ("id\tphone\tamount", lambda i: f"{12345678901234567000 + i}\t+4930123{i:04d}\t2_{i % 9}"),
        (",day,amount,shop", lambda i: f"{i},2026-01-{i % 28 + 1:02d},{i % 97}.{i % 7},s{i % 4}"),
        ("id,x,x,shop", lambda i: f"{i},{i % 7},{i % 97}.{i % 7},s{i % 4}"),
        ("id, day, amount", lambda i: f"{i},2026-01-{i % 28 + 1:02d},{i % 97}.{i % 7}"),
        ("id,day,amount,", lambda i: f"{i},2026-01-{i % 28 + 1:02d},{i % 97}.{i % 7},"),
        ("id,t,flag,n", lambda i: f"{i},12:{i % 60:02d}:00,{'true' if i % 3 else 'false'},{i % 9}"),
        ("id,sensor,temp", lambda i: f"{i},{'sensor' if i == 7 else 's1'},{i % 31}"),
    ],
    ids=["moments", "zeros", "decimal comma", "large", "no name", "one name", "blanks", "empty", "truths", "a name"],
)
def test_a_table_with_a_repeated_header_is_that_with_one(header, form, end, n_repeated):
    rows, reads = [form(i) for i in range(400)], []
    for n in (0, n_repeated):
        parts = [rows[:200], *([] for _ in range(n - 1)), rows[200:]] if n else [rows]
        text = "".join(line + end for part in parts for line in (header, *part))
        Path("x.csv").write_bytes(text.encode())
        with Table("x.csv") as table:
            roles = infer_roles(table)
            kinds = [(column.name, column.type, column.role) for column in roles.columns]
            reads.append((kinds, table.rows(roles.select(), None).rows()))
            said = [note for note in table.notes if "repeat" in note]
        lines = "1 line that repeats the header is" if n == 1 else "2 lines that repeat the header are"
        assert said == ([f"{lines} left out"] if n else [])
    assert reads[0] == reads[1]


def test_a_repeated_header_is_left_out_of_each_file_and_as_it_is_asked_for(run, tmp_path):
    header, rows = "id,zip,n", [f"{i},{i % 9:05d},{i % 13}" for i in range(400)]
    for name, some in {"a": rows[:150], "b": rows[150:]}.items():
        text = "\n".join([header, *some[:90], "\ufeff" + header, *some[90:], ""])
        (tmp_path / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
        (tmp_path / f"above.{name}.csv").write_text("A title\n" + text)
    with Table("above.a.csv", read="skip=1") as table:
        assert table.count() == 150
    with Table("*.csv.gz", read="all_varchar=true") as table:
        assert table.count() == 400
        assert {column.type for column in table.columns} == {"VARCHAR"}
    assert "2 lines that repeat the header are left out" in run("scan", "*.csv.gz", "--budget", "1").err


def test_commas_of_one_column_do_not_move_the_point_of_another():
    """DuckDB reads 26.496,50 as 26.4965 where commas may separate thousands."""
    rows = [[i, f'"{1 + i}.496,50"', f'"{1 + i},701.25"'] for i in range(200)]
    _, read = read_csv([["id", "eu", "us"], *rows])
    assert read["eu"].to_list() == [(1 + i) * 1000 + 496.5 for i in range(200)]
    assert read["us"].to_list() == [(1 + i) * 1000 + 701.25 for i in range(200)]


def test_points_that_only_come_with_three_digits_separate_thousands():
    amounts = [137 * i for i in range(1, 200)]
    _, read = read_csv([["id", "amount"], *([i, f"{a:,}".replace(",", ".")] for i, a in enumerate(amounts))], ";")
    assert read["amount"].to_list() == amounts
    weights = [f"{i / 8:.3f}" for i in range(1, 200)]  # all have three digits, also those below 1
    _, read = read_csv([["id", "weight"], *([i, w] for i, w in enumerate(weights))], ";")
    assert read["weight"].to_list() == [i / 8 for i in range(1, 200)]


GUIDE = Path(__file__).parents[1] / "docs" / "guide-files.md"


def planted():
    """The shop decides the city, but in record 250."""
    rows = [{"id": i, "shop": f"shop{i % 4}", "city": f"city{i % 4}", "size": f"s{i % 3}"} for i in range(300)]
    rows[250]["city"] = "city1"
    return rows


def separated(rows, delimiter):
    return "".join(delimiter.join(map(str, row)) + "\n" for row in rows)


def write_kind(kind, rows):
    values = [list(row.values()) for row in rows]
    zeek = "#separator \\x09\n#fields\tid\tshop\tcity\tsize\n#types\tcount\tstring\tstring\tstring\n"
    times = [[f"2026-03-0{1 + i // 100}", f"08:{i % 60:02d}:00", *row] for i, row in enumerate(values)]
    texts = {
        "CSV": lambda: separated([list(rows[0]), *values], ";"),
        "JSON lines": lambda: lines_of(rows),
        "JSON array": lambda: json.dumps(rows),
        "JSON objects": lambda: "\n".join(json.dumps(row, indent=1) for row in rows),
        "JSON object with a list": lambda: json.dumps({"Records": rows, "next": None}),
        "Zeek log": lambda: zeek + separated(values, "\t"),
        "W3C log": lambda: "#Fields: date time id shop city size\n" + separated(times, " "),
        "log": lambda: "".join(
            f"Mar  2 08:{i % 60:02d}:00 {row['shop']} {row['city']}: job {row['size']} done\n"
            for i, row in enumerate(rows)
        ),
    }
    if kind == "Parquet":
        pl.DataFrame(rows).write_parquet("file")
    elif kind == "DuckDB database":
        with opened("file") as connection:
            connection.register("frame", pl.DataFrame(rows))
            connection.execute("CREATE TABLE t AS FROM frame")
    else:
        Path("file").write_text(texts[kind]())


KINDS = [
    line.split("|")[1].strip() for line in GUIDE.read_text().partition("\n## ")[0].splitlines() if line.startswith("| ")
][1:]


@pytest.mark.parametrize("kind", KINDS)
def test_the_planted_record_is_found_in_every_kind_of_file(run, kind):
    write_kind(kind, planted())
    key, number = ("line", 251) if kind == "log" else ("id", 250)
    outcome = run("scan", "file", "--key", key, "--budget", "1", "--format", "csv")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[1].startswith(f"{number},1,")

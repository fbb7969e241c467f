"""A moment that is split over columns is read as one, and its parts are no numbers."""

import json
from datetime import datetime, timedelta

import polars as pl
import pytest

from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table

START = datetime(2026, 1, 5, 8)
TIMES = [START + timedelta(days=i // 20 + i // 100 * 2, minutes=29 * (i % 20)) for i in range(600)]
AMOUNTS = [10 + i * 7 % 13 + i / 1000 for i in range(600)]
DAYS = {"Year": [2026, 2025] * 9, "Month": [1, 2] * 9, "Day": [1, 2] * 9}

FORMS = {
    "Year-Month-Day Hour:Minute": {"Year": "%Y", "Month": "%m", "Day": "%d", "Hour": "%H", "Minute": "%M"},
    "sold_yr-sold_mon-sold_dd sold_hh": {"sold_yr": "%Y", "sold_mon": "%b", "sold_dd": "%d", "sold_hh": "%H"},
    "YYYY-MM-DD hh": {"YYYY": "%Y", "MM": "%m", "DD": "%d", "hh": "%H"},
    "Date Time": {"Time": "%H:%M", "Date": "%Y-%m-%d"},
    "iyear-imonth-iday": {"iyear": "%Y", "imonth": "%m", "iday": "%d"},
    "Year-Month-Day Time": {"Year": "%Y", "Month": "%B", "Day": "%d", "Time": "%H:%M:%S"},
}


def write(path, times, form):
    parts = {name: [time.strftime(part) for time in times] for name, part in FORMS[form].items()}
    pl.DataFrame({"id": range(600), **parts, "amount": AMOUNTS}).write_csv(path)


@pytest.mark.parametrize("form", FORMS)
def test_parts_make_a_moment(form, tmp_path):
    write(tmp_path / "sales.csv", TIMES, form)
    with Table(tmp_path / "sales.csv") as table:
        roles = infer_roles(table)
        (moment,) = roles.of(Role.TIMESTAMP)
        read = table.rows({"at": moment.plain_sql}, None, ["id"])["at"].to_list()
    assert moment.name == form
    assert [column.name for column in roles.of(Role.NUMBER)] == ["amount"]
    written = " ".join(FORMS[form].values())
    assert read == [datetime.strptime(time.strftime(written), written) for time in TIMES]


@pytest.mark.parametrize("form", ["iyear-imonth-iday", "Date Time"])
def test_a_sunday_among_working_days_is_found_by_its_parts(form, run, tmp_path):
    write(tmp_path / "sales.csv", [time.replace(day=11) if i == 77 else time for i, time in enumerate(TIMES)], form)
    result = run("scan", "sales.csv", "--budget", "1", "--format", "json")
    (flag,) = json.loads(result.out)
    assert flag["id"] == 77
    assert f"{form} weekday=Sunday" in flag["reason"]


@pytest.mark.parametrize(
    ("columns", "given"),
    [
        (DAYS | {"Day": [99, 77] * 9}, {}),
        (DAYS, {Role.NUMBER: ["Day"]}),
        (DAYS | {"at": TIMES[:18]}, {}),
        (
            {
                "Year": [2026, 2025] * 9,
                "Month": [1, 2] * 9,
                "Day": [1, 2] * 9,
                "at": ["31-Jan-2026", "28-Feb-2026"] * 9,
            },
            {},
        ),
        ({"Year": [2026, 2025] * 9, "Month": [1, 2] * 9}, {}),
        ({"Date": ["x", "y"] * 9, "Time": ["x", "z"] * 9}, {}),
    ],
)
def test_parts_are_used_by_themselves_where_they_make_no_moment(columns, given):
    with Table(pl.DataFrame({**columns, "n": [i % 9 / 7 for i in range(18)]})) as table:
        roles = infer_roles(table, given)
    used = {column.name for column in roles.judged}
    assert used >= {"Year", "Month"} & columns.keys() | {"Date"} & columns.keys()
    assert not any("-" in name or " " in name for name in used)

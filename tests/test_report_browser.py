"""Chromium opens pages of runs: they are in order, fast, and ask nothing of a network."""

import os
import shutil
from pathlib import Path

import pytest
from pages import PETS, Opened, change, check_page, many_flags, page, requests
from scanned import scan_in

DATA = Path(os.environ.get("ANOMEMBED_DATA", Path(__file__).parents[1] / "../shared/data")).resolve()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a store whose run has two planted flags of one reason."""
    return scan_in(tmp_path_factory.mktemp("home"), PETS, "--budget", "2")


@pytest.fixture
def folder(home, tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(home, tmp_path / "copied"))
    return tmp_path / "copied"


def test_a_browser_sorts_filters_pages_and_shows_details_of_5000_flags(run, folder, browser):
    many_flags(5_000)
    change("UPDATE flags SET finding = 'other' WHERE rank > 3000")
    page(run)
    check_page(browser, folder / "r.html", 5_000)
    shown = Opened(browser, folder / "r.html")
    shown.write("K77")
    assert shown.text("#count") == "11 of 5,000 flags"
    assert all(row[1].startswith("k77") for row in shown.rows())
    shown.write("")
    shown.click('[data-sort="0"]')
    shown.click("#forward")
    assert shown.text("#page") == "Page 2 of 100"
    assert shown.rows()[0][0] == "5047"
    shown.click('[data-sort="0"]')
    shown.click("#rows button")
    assert shown.texts(".detail tbody td")[0] in ("says", "pet")
    shown.click("#rows button")
    assert shown.texts(".detail") == []


def test_a_browser_runs_nothing_of_hostile_values(run, folder, browser):
    value = "<img src=x onerror=\"document.title='gone'\"></script><script>document.title='gone'</script>"
    change(("UPDATE flags SET key = $v || rank, reason = $v, record = json_object($v, $v)::JSON", {"v": value}))
    page(run)
    shown = Opened(browser, folder / "r.html")
    shown.click("#rows button")
    assert "flagged of" in browser.title
    assert value[:20] in shown.text("#rows td:nth-child(2)")
    assert value[:20] in shown.text(".detail dt")
    assert browser.get_log("browser") == []
    assert requests(browser) == []


SETS = {
    "cloudtrail_invictus": (),
    "fraud_handbook": (
        *("--entity", "CUSTOMER_ID", "--time", "TX_DATETIME", "--budget", "5000"),
        *("--ignore", "TX_FRAUD_SCENARIO", "--ignore", "attack_type"),
    ),
}


@pytest.mark.parametrize("name", ["cloudtrail_invictus", pytest.param("fraud_handbook", marks=pytest.mark.drill)])
def test_a_browser_goes_through_the_page_of_a_public_set(name, run, tmp_path, browser):
    if not (DATA / f"{name}.parquet").exists():
        pytest.skip(f"no {name}.parquet in {DATA}: set ANOMEMBED_DATA to the folder of the public sets")
    outcome = run("scan", DATA / f"{name}.parquet", *SETS[name], "--report", "r.html", "--quiet")
    assert outcome.code == 0, outcome.err
    assert Path("r.html").stat().st_size <= 1_500_000
    check_page(browser, tmp_path / "r.html", 5_000 if "5000" in SETS[name] else 20)

"""Pages of runs: a store to make one of, and a browser that goes through one as somebody would who reads it."""

import json
import os
import shutil
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from databases import opened

HOSTILE = (
    "<script>alert(1)</script>",
    "javascript:alert(1)",
    "\u202eevil",
    "=HYPERLINK(1)",
    "\x1b[31m",
    "</script><img src=x onerror=alert(1)>",
    "$\\frac{",
    "é" * 100_000,
)
PETS = """CREATE TABLE pets AS SELECT i AS id, TIMESTAMP '2026-01-01' + i * INTERVAL 1 HOUR AS at,
    if(i % 2 = 0, 'cat', 'dog') AS pet, if(i % 2 = 0 AND i NOT IN (100, 200), 'meow', 'woof') AS says,
    'n' || hash(i) % 5 AS nth, if(i % 10 = 0, NULL, i % 7) AS kilos, 1 AS same FROM range(400) r(i)"""


def change(*statements):
    with opened("anomembed.duckdb") as connection:
        for statement in statements:
            connection.execute(*statement if isinstance(statement, tuple) else (statement,))


def many_flags(number):
    """Make as many flags of the two that there are, with their contributions."""
    more = f"range({number - 2}) r(i)"
    change(
        f"INSERT INTO flags SELECT flags.* REPLACE (100 + i AS rank, 'k' || i AS key) "
        f"FROM flags, {more} WHERE rank = 1",
        f"INSERT INTO contributions SELECT contributions.* REPLACE ('k' || i AS key) FROM contributions, {more} "
        "WHERE key = (SELECT key FROM flags WHERE rank = 1)",
        f"UPDATE runs SET n_flagged = {number}",
    )


def page(run, *options):
    outcome = run("report", "r.html", "--force", *options)
    assert outcome.code == 0, outcome.err
    return Path("r.html").read_bytes().decode()


def has_browser():
    """Whether the fixture `browser` does not skip."""
    return bool(find_spec("selenium") and shutil.which("chromium") and shutil.which("chromedriver"))


def requests(browser):
    """Addresses that the page asked for since the last look."""
    messages = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    sent = (m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent")
    return [address for address in sent if not address.startswith(("data:", "file:"))]


class Opened:
    """A page of flags in a browser."""

    def __init__(self, browser, path):
        self.browser = browser
        browser.get(path.as_uri())

    def script(self, code, *arguments):
        return self.browser.execute_script(code, *arguments)

    def click(self, what):
        self.script("document.querySelector(arguments[0]).click()", what)

    def text(self, what):
        return self.script("return document.querySelector(arguments[0])?.textContent", what)

    def texts(self, what):
        return self.script("return [...document.querySelectorAll(arguments[0])].map(one => one.textContent)", what)

    def rows(self):
        """The texts of the flags on this page of the table: rank, key, tail, view and reason."""
        return self.script(
            "return [...document.querySelectorAll('#rows > tr:not(.detail)')]"
            ".map(row => [...row.children].map(cell => cell.textContent))"
        )

    def write(self, text):
        self.script(
            "const field = document.getElementById('filter');"
            "field.value = arguments[0]; field.dispatchEvent(new Event('input'))",
            text,
        )

    @property
    def milliseconds(self):
        return self.script("return performance.getEntriesByType('navigation')[0].loadEventEnd")

    @contextmanager
    def wide(self, width):
        """The page in a window of some width."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        yield
        self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def check_page(browser, path, n_flags):
    """Go through a page that has flags: whatever is clicked answers, and nothing is asked of a network."""
    shown = _opened_in_time(browser, path)
    assert len(shown.rows()) == min(n_flags, 50)
    _check_sorting(shown)
    _check_filters(shown, n_flags)
    _check_detail(shown)
    for width in (1280, 390):
        with shown.wide(width):
            _check_both_themes(shown, width)
    assert browser.get_log("browser") == []
    assert requests(browser) == []


def _opened_in_time(browser, path):
    """Open a page, again while it takes long because others use the processors."""
    for _ in range(5):
        shown = Opened(browser, path)
        if 0 < shown.milliseconds < 2_000:
            return shown
    raise AssertionError(f"{path.name} took {shown.milliseconds:,.0f} milliseconds to open")


def _check_sorting(shown):
    flags = shown.script("return JSON.parse(document.getElementById('data').textContent).flags")
    by_rank = {flag[0]: flag for flag in flags}
    for column, name in ((1, "Key"), (2, "Tail"), (4, "View"), (5, "Reason"), (0, "Rank")):
        ordered = _ordered(shown, [flag[column] for flag in flags])
        for direction in ("ascending", "descending"):
            shown.click(f'[data-sort="{column}"]')
            assert shown.texts(f'[aria-sort="{direction}"]') == [name]
            found = [by_rank[int(row[0])][column] for row in shown.rows()]
            assert found == (ordered if direction == "ascending" else ordered[::-1])[: len(found)], (name, direction)
    shown.click('[data-sort="0"]')
    assert shown.rows()[0][0] == "1"


def _ordered(shown, values):
    if not isinstance(values[0], str):
        return sorted(values)
    return shown.script("return arguments[0].sort(new Intl.Collator('en', { numeric: true }).compare)", values)


def _check_filters(shown, n_flags):
    wanted = shown.rows()[-1][1]
    shown.write(wanted.upper())
    assert wanted in [row[1] for row in shown.rows()]
    shown.write("no flag has this")
    assert (shown.rows(), shown.text("#count")) == ([], f"0 of {n_flags:,} flags")
    shown.write("")
    number = shown.text("[data-finding]")
    shown.click("[data-finding]")
    assert shown.text("#count") == f"{number} of {n_flags:,} flags"
    shown.click("#all")
    assert shown.text("#count") == f"{n_flags:,} of {n_flags:,} flags"
    if n_flags > 50:
        shown.click("#forward")
        assert shown.text("#page").startswith("Page 2 of ")
        shown.click("#back")


def _check_detail(shown):
    shown.click("#rows button")
    assert shown.script("return document.querySelector('#rows button').getAttribute('aria-expanded')") == "true"
    assert shown.texts(".detail thead th") == ["Column", "Value", "Adds, nats", "Expected"]
    assert shown.texts(".detail tbody td")


def _check_both_themes(shown, width):
    seen = set()
    for _ in range(2):
        seen.add(shown.script("return getComputedStyle(document.body).backgroundColor"))
        pictures = shown.script("return [...document.images].filter(one => one.offsetWidth).map(one => one.className)")
        assert pictures == [shown.text("#theme").replace("Light", "dark").replace("Dark", "light")] * len(pictures)
        sideways = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert (shown.script("return innerWidth"), shown.script(sideways)) == (width, 0)
        _check_access(shown)
        shown.click("#theme")
    assert len(seen) == 2


def _check_access(shown):
    """Run axe-core, where the variable ANOMEMBED_AXE says where its script is."""
    if "ANOMEMBED_AXE" not in os.environ:
        return
    shown.script(Path(os.environ["ANOMEMBED_AXE"]).read_text())
    run = "axe.run({ resultTypes: ['violations'] }).then(arguments[0])"
    found = shown.browser.execute_async_script(run)["violations"]
    assert not found, [(one["impact"], one["id"], one["nodes"][0]["html"]) for one in found]

"""The notebook on a store runs, and shows what the store has and the charts of the page."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from databases import opened

pytest.importorskip("marimo", reason="marimo is not installed")
NOTEBOOK = Path(__file__).parents[1] / "examples" / "notebooks" / "investigate.py"
RUN = """
import json, runpy
_, found = runpy.run_path("investigate.py")["app"].run()
shown = {
    "keys": found["flags"]["key"].to_list(),
    "why": found["why"].height,
    "n": found["reasons"]["n_flags"].sum(),
    "charts": [(chart.title, chart.light[:18]) for chart in found["charts"]],
}
print(json.dumps(shown))
"""


def test_a_notebook_shows_what_the_store_has(run, database):
    path = database(
        "CREATE TABLE t AS SELECT i AS id, 's' || i % 7 AS shop, 'c' || i % 7 % 3 AS city, hash(i) % 997 / 9 AS cost, "
        "TIMESTAMP '2026-01-01' + i * INTERVAL 11 MINUTE AS at FROM range(900) r(i)"
    )
    assert run("scan", path, "--budget", 12).code == 0
    assert run("scan", path, "--budget", 5).code == 0
    shutil.copy(NOTEBOOK, "investigate.py")
    done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, env=os.environ, timeout=120)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout.splitlines()[-1])
    with opened("anomembed.duckdb", read_only=True) as store:
        keys = [key for (key,) in store.execute("SELECT key FROM flags WHERE run_id = 2 ORDER BY rank, key").fetchall()]
        why = store.execute("SELECT count(*) FROM why(?, of_run := 2)", [keys[0]]).fetchone()[0]
    assert (shown["keys"], shown["n"], shown["why"]) == (keys, 5, why)
    assert why > 0
    assert run("report", "page.html").code == 0
    page = Path("page.html").read_text()
    assert len(shown["charts"]) == 4
    assert all(f">{title}<" in page for title, _ in shown["charts"])
    assert {start for _, start in shown["charts"]} == {"data:image/svg+xml"}

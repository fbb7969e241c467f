"""Renew what the documentation can be derived from: `python docs/generate.py [PAGE ...]`, a minute for all pages.

Runs every command and block of code in the pages and writes what they print now; writes the reference from the code.
"""

import sys
import tempfile
from contextlib import chdir
from pathlib import Path

import duckdb

TOP = Path(__file__).parents[1]
sys.path[:0] = [str(TOP), str(TOP / "docs")]

from building.pages import page_paths, render  # noqa: E402
from building.reference import SCHEMA, schema  # noqa: E402

from anomembed.demo import make_demo  # noqa: E402


def main(wanted: list[str]) -> None:
    """Renew the named pages, or all."""
    paths = [Path(name).resolve() for name in wanted] or page_paths()
    SCHEMA.write_text(schema(), encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        demo = write_demo(Path(folder))
        for path in paths:
            with tempfile.TemporaryDirectory() as own, chdir(own):
                for file, text in render(path, demo).items():
                    file.parent.mkdir(exist_ok=True)
                    file.write_text(text, encoding="utf-8")
            print(path.relative_to(TOP))


def write_demo(folder: Path) -> Path:
    """Write the tables of the demo into a database."""
    tables, database = make_demo(0), folder / "demo.duckdb"
    with duckdb.connect(str(database)) as connection:
        for name in ("payments", "events"):
            connection.register("frame", getattr(tables, name).to_arrow())
            connection.execute(f"CREATE TABLE {name} AS FROM frame")
    return database


if __name__ == "__main__":
    main(sys.argv[1:])

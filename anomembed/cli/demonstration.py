"""Run ``anomembed demo``; the planted truth is compared with the flags here only, after scoring."""

from pathlib import Path
from typing import NamedTuple

import polars as pl

from anomembed.cli.console import Teller
from anomembed.cli.options import TABLE
from anomembed.cli.printing import print_flags
from anomembed.config import Config, FlagsConfig, RolesConfig, SourceConfig, StoreConfig
from anomembed.demo import make_demo
from anomembed.errors import ConfigError
from anomembed.pipeline import scan_into_store
from anomembed.read.table import Table
from anomembed.write.store import Store
from anomembed.write.tables import write_tables

SHOWN = 8


class Scan(NamedTuple):
    """A scan of a demo table; with an entity and a time, records are also compared with their entity's past."""

    table: str
    budget: int
    entity: str | None = None
    time: str | None = None

    @property
    def title(self) -> str:
        """The table and the options, as on the command line."""
        return f"{self.table} --entity {self.entity} --time {self.time}" if self.entity else self.table

    def config(self, database: Path, store: Path) -> Config:
        """Return the settings."""
        return Config(
            source=SourceConfig(database=str(database), table=self.table),
            roles=RolesConfig(
                entity=(self.entity,) if self.entity else (), timestamp=(self.time,) if self.time else ()
            ),
            flags=FlagsConfig(budget=self.budget),
            store=StoreConfig(path=str(store)),
        )


SCANS = (Scan("payments", 100), Scan("payments", 100, "customer", "paid_at"), Scan("events", 50))


def demonstrate(folder: Path, seed: int) -> None:
    """Write the demo database and scan both of its tables.

    Parameters
    ----------
    folder : Path
        Created when it does not exist.
    seed : int
        Seed of the tables.
    """
    teller = Teller(is_quiet=False)
    folder.mkdir(parents=True, exist_ok=True)
    database, kept = folder / "demo.duckdb", folder / "anomembed.duckdb"
    if database.exists():
        raise ConfigError(f"{database} exists; name another folder")
    tables = make_demo(seed)
    frames = {name: getattr(tables, name) for name in ("payments", "payments_truth", "events", "events_truth")}
    write_tables(database, frames)
    teller.say("wrote", f"{database}: {', '.join(f'{name} ({frame.height:,})' for name, frame in frames.items())}")
    with Store(kept) as store:
        for scan in SCANS:
            _run(scan, database, frames[f"{scan.table}_truth"], store, teller)
    teller.say("try", f"anomembed scan {database} payments --budget 10 --store {kept}")


def _run(scan: Scan, database: Path, truth: pl.DataFrame, store: Store, teller: Teller) -> None:
    budget = scan.budget
    teller.say("", "")
    with Table(str(database), scan.table) as opened:
        teller.say("scan", f"{scan.title}: {opened.count():,} records")
        run = scan_into_store(opened, scan.config(database, store.path), store, teller)
    flags, key = run.flags.frame, truth.columns[0]
    teller.run(run, f"budget {budget}; the first {SHOWN} are shown")
    print_flags(flags.head(SHOWN), TABLE, 1)
    found = truth.join(flags, on=key, how="semi")
    teller.say("found", f"{found.height} of the {truth.height} planted cases are among the {budget} flagged records")
    for kind, planted in truth.group_by("kind", maintain_order=True):
        teller.say("", f"{found.filter(kind=kind[0]).height:3d} of {planted.height} {kind[0]}")
    teller.farewell(run, str(store.path))

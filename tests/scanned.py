"""A folder with a source, and a store that has a run over it: made once, copied by the tests that change it."""

import sys
from contextlib import chdir

import pytest
from databases import opened

from anomembed.cli import main


def scan_in(folder, table, *options):
    """Make the table of some SQL in `source.duckdb` of a folder, and scan it; return the folder."""
    with chdir(folder), pytest.MonkeyPatch.context() as patch:
        with opened("source.duckdb") as connection:
            connection.execute(table)
        patch.setattr(sys, "argv", ["anomembed", "scan", "source.duckdb", *options, "--quiet"])
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code
    return folder

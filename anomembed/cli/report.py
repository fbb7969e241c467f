"""``anomembed report``: one page about a run."""

from pathlib import Path
from typing import Annotated

import typer

from anomembed.cli import options as o
from anomembed.cli.explain import RunId

File = Annotated[Path, typer.Argument(metavar="FILE", help="The page, as .html.")]


@o.with_settings("store")
def report(
    file: File = Path("anomembed-report.html"),
    run: RunId = None,
    *,
    given: o.Given,
    force: o.Force = False,
    quiet: o.Quiet = False,
) -> None:
    """Write one page about a run: findings, flags with their details, charts, the model, data quality.

    The page is one file that needs no network, and the same bytes for the same store.

    Example: anomembed report payments.html
    """
    from anomembed.cli.console import Teller
    from anomembed.config import make_config
    from anomembed.report.page import check_report_path, write_report
    from anomembed.write.reading import open_to_read

    path = make_config(given).store.path
    check_report_path(file, path, force=force)
    with open_to_read(path) as store:
        run_id = write_report(store, file, run)
    Teller(is_quiet=quiet).say("wrote", f"{file}: run {run_id} of {path}")

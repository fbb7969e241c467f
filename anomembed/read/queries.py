"""SQL longer than a line: each query is a `.sql` file in this folder, with `$parts` that are filled in."""

import re
from functools import cache
from importlib.resources import files
from string import Template

QUERY = re.compile(r"\s*(select|with|from|values)\b", re.IGNORECASE)
"""How a query begins, where a table could be named instead."""


def query(name: str, **parts: str) -> str:
    """Return the SQL of the file `name`.sql.

    Parameters
    ----------
    name : str
        Name of the file, without its ending.
    **parts : str
        SQL for each placeholder; identifiers in it are quoted already.

    Examples
    --------
    >>> print(query("spans", entity="who", time="at", records="t"))
    -- When the first and the last record of every entity was, in microseconds since 1970.
    SELECT who AS entity, epoch_us(min(at)) AS since, epoch_us(max(at)) AS until
    FROM t
    GROUP BY ALL
    <BLANKLINE>
    """
    return _template(name).substitute(parts)


@cache
def _template(name: str) -> Template:
    return Template(files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8"))

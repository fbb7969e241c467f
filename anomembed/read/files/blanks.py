"""Tables whose fields are separated by blanks below a header, such as flow logs of a cloud and what commands print.

Words are separated by blanks, too: such a table is told from messages by lines of one size throughout, a header, and
columns of which many hold numbers or times alone.
"""

import re
from collections.abc import Sequence

from anomembed.read.files.cells import is_typed
from anomembed.read.files.dialects import Dialect, find_dialect

BLANK = " "
LEAST_FIELDS = 4
TYPED, TYPED_ALIGNED = 1 / 3, 1 / 4  # share of the columns that hold numbers or moments
RULER = re.compile(rb"[\s=+-]*-{2}[\s=+-]*")


def find_blank_dialect(lines: Sequence[str]) -> Dialect | None:
    r"""Return the dialect of a table with a header and blanks between fields; None when the lines are no such.

    Examples
    --------
    >>> flows = [f"10.0.0.{i}   {i} 443 OK\n" for i in range(9)]
    >>> found = find_blank_dialect(["src     packets port status\n", *flows])
    >>> found.delimiter, found.n_fields
    (' ', 4)
    >>> find_blank_dialect(flows) is None
    True
    """
    is_aligned = are_aligned(lines)
    if is_aligned:
        lines = [f"{text.decode()}\n" for line in lines if (text := single_blanks(line.encode())) is not None]
    found = find_dialect(lines, (BLANK,))
    if not found or found.fit < 1 or found.n_above or not found.has_header or found.n_fields < LEAST_FIELDS:
        return None
    least = TYPED_ALIGNED if is_aligned else TYPED
    columns = list(zip(*found.rows(lines)[1 + len(found.under) :], strict=False))
    return found if sum(map(is_typed, columns)) >= least * found.n_fields else None


def are_aligned(lines: Sequence[str]) -> bool:
    """Tell whether several blanks stand between fields, to align them; none of which are in quotes."""
    return not any('"' in line for line in lines) and any("  " in line.strip() for line in lines)


def single_blanks(line: bytes) -> bytes | None:
    """Return a line with single blanks; None for one that only rules off a header."""
    return None if RULER.fullmatch(line) else b" ".join(line.split())

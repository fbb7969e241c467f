"""Tables whose fields are separated by single blanks below a header, such as flow logs of a cloud.

Words are separated by blanks, too: such a table is told from messages by lines of one size throughout, a header, and
columns of which many hold numbers or times alone.
"""

from collections.abc import Sequence

from anomembed.read.files.dialects import Dialect, find_dialect, is_typed

BLANK = " "
LEAST_FIELDS = 4
TYPED = 1 / 3  # share of the columns that hold numbers or moments


def find_blank_dialect(lines: Sequence[str]) -> Dialect | None:
    r"""Return the dialect of a table with a header and single blanks between fields; None when the lines are no such.

    Examples
    --------
    >>> flows = [f"10.0.0.{i} {i} 443 OK\n" for i in range(9)]
    >>> found = find_blank_dialect(["src packets port status\n", *flows])
    >>> found.delimiter, found.n_fields
    (' ', 4)
    >>> find_blank_dialect(flows) is None
    True
    """
    found = find_dialect(lines, (BLANK,))
    if not found or found.fit < 1 or found.n_above or not found.has_header or found.n_fields < LEAST_FIELDS:
        return None
    columns = list(zip(*found.rows(lines)[1:], strict=False))
    return found if sum(map(is_typed, columns)) >= TYPED * found.n_fields else None

"""Earlier records with the same amount of the same entity: columns that SQL computes from the past.

A duplicate posting has another key and another time, and is otherwise the same in nearly all columns. It is compared
with the last earlier record that has its amount and its entity.
"""

from dataclasses import dataclass

from anomembed.read.agreement import are_agreements
from anomembed.read.amounts import amounts
from anomembed.read.elapsed import are_elapsed
from anomembed.read.queries import query
from anomembed.read.quoting import quote_identifier
from anomembed.read.rhythm import find_resolution
from anomembed.read.roles.assigned import Roles
from anomembed.read.roles.role import Content, Role
from anomembed.read.table import HASH, Table

PREFIX = "twin: "  # starts the names of the derived columns
SINCE, BEFORE, SAME = TWINS = tuple(PREFIX + name for name in ("seconds since", "records before", "same columns"))
WHICH = PREFIX + "key"  # the record that is repeated, for people
MOST_COMPARED = 32  # other columns that are compared; each is a bit of a number
MOST_NUMBERS = 4  # that are tried as the amount
MOST_REPEATED = 0.5  # share of the records that repeat an amount of their entity, from which that tells nothing


@dataclass(frozen=True)
class Twins:
    """Which columns say that a record repeats another.

    Parameters
    ----------
    entity, amount : str
        Columns in which both agree: a category and a number.
    time : str
        Column that says which is the earlier one.
    compared : tuple of str
        Other columns, in the order of the bits that say whether they agree.
    resolution, span : float
        Seconds that the times are multiples of, and those from the first to the last.
    """

    entity: str
    amount: str
    time: str
    compared: tuple[str, ...]
    resolution: float
    span: float

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the derived columns."""
        return TWINS

    def select(self) -> dict[str, str]:
        """Return the SQL that reads each derived column, and the key of the record that is repeated."""
        return {name: quote_identifier(name) for name in (*TWINS, WHICH)}


def plan_twins(table: Table, roles: Roles, entity: str | None, time: str | None) -> Twins | None:
    """Choose the columns by which records are compared.

    Parameters
    ----------
    table : Table
        The open table.
    roles : Roles
        Of its columns.
    entity, time : str or None
        Columns that say who acts, and when, where they are given: else the category with the most values, and the
        first time.

    Returns
    -------
    Twins or None
        None without a category, a time, or a number that some records repeat.
    """
    numbers = amounts([column.name for column in roles.holding(Content.NUMBER)])[:MOST_NUMBERS]
    times = roles.holding(Content.MOMENT)
    who = entity or _finest(table, roles)
    if who is None or not times or not numbers or any(column.name.startswith(PREFIX) for column in table.columns):
        return None
    amount = _amount(table, roles, who, numbers)
    if amount is None:
        return None
    names = [column.name for column in roles.judged]
    others = {who, amount} | are_elapsed(names) | are_agreements(names)  # other times, and what says nothing more
    compared = [
        column.name
        for column in roles.judged
        if column.name not in others and column.role.content not in (Content.MOMENT, Content.IDENTIFIER, Content.VECTOR)
    ]
    when = time or times[0].name
    sql = roles.select()[when]
    (span,) = table.aggregate([f"coalesce(epoch(max({sql}) - min({sql})), 0)"])
    return Twins(who, amount, when, tuple(compared[:MOST_COMPARED]), find_resolution(table, sql), float(span))


def _finest(table: Table, roles: Roles) -> str | None:
    """Return the category with the most values."""
    select = roles.select()
    names = [column.name for column in roles.of(Role.ENTITY, Role.CATEGORY)]
    counts = table.aggregate([f"approx_count_distinct({select[name]})" for name in names]) if names else ()
    return max(zip(counts, names, strict=True), default=(0, None), key=lambda found: found[0])[1]


def _amount(table: Table, roles: Roles, entity: str, numbers: list[str]) -> str | None:
    """Return the number that entities repeat most seldom, of those that they repeat at all."""
    select = roles.select()
    pairs = [
        f"count(DISTINCT hash({select[entity]}, {select[name]})) FILTER (WHERE {select[name]} IS NOT NULL)"
        for name in numbers
    ]
    found = table.aggregate([*pairs, *(f"count({select[name]})" for name in numbers)])
    shares = {
        name: (n_known - n_pairs) / max(n_known, 1)
        for name, n_pairs, n_known in zip(numbers, found, found[len(numbers) :], strict=False)
    }
    repeated = [name for name in numbers if 0 < shares[name] <= MOST_REPEATED]
    return min(repeated, key=lambda name: shares[name], default=None)


def derive_twins(table: Table, roles: Roles, twins: Twins) -> None:
    """Add the columns of `TWINS` and `WHICH` to a table, unless it has them already.

    Parameters
    ----------
    table : Table
        The open table.
    roles : Roles
        Of its columns, as `match_roles` finds them.
    twins : Twins
        From `plan_twins`.
    """
    if table.is_derived(SINCE):
        return
    select = roles.select()
    same = (
        f"if(lag({select[name]}) OVER alike IS NOT DISTINCT FROM {select[name]}, {2**bit}, 0)"
        for bit, name in enumerate(twins.compared)
    )
    extending = query(
        "twins",
        entity=select[twins.entity],
        amount=select[twins.amount],
        time=select[twins.time],
        identity=roles.identity(table),
        same=" + ".join(["0", *same]),
        key=table.key_text([table.column(column.name) for column in roles.key]) if roles.key else "NULL",
        position=HASH,
        **{name: quote_identifier(column) for name, column in zip(("since", "before", "bits"), TWINS, strict=True)},
        which=quote_identifier(WHICH),
    )
    table.extend(extending, (*TWINS, WHICH))

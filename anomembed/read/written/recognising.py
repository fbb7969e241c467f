"""Find out how the columns of a table are written: which text and which numbers are times, amounts, or missing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from anomembed.errors import ConfigError, SourceError
from anomembed.read.column_types import FRACTIONS, INTEGERS, MOMENTS, general_kind
from anomembed.read.columns import Column, Profile
from anomembed.read.quoting import quote_text
from anomembed.read.roles.role import Role
from anomembed.read.table import Table
from anomembed.read.written.candidate import Candidate, Reading
from anomembed.read.written.masks import LONGEST, Masks, read_masks
from anomembed.read.written.number_columns import FEW_VALUES, read_numbers
from anomembed.read.written.placeholders import Placeholder, find_dates, find_numbers, find_strays
from anomembed.read.written.style import PLAIN, WORDS, Written, is_word
from anomembed.read.written.time_columns import read_digits, read_times
from anomembed.read.written.times import ISO, formats_like, mask_of

TEXT = "VARCHAR"
READ = (Role.NUMBER, Role.TIMESTAMP)
"""Roles of columns whose values may be written in many ways."""


class Found(NamedTuple):
    """How a column is written."""

    role: Role
    """The role that it is read for."""
    written: Written
    like: str = ""
    """What its values are, such as "text, read as times like 31/12/2026"; empty when the type says so."""
    remarks: tuple[str, ...] = ()
    """What the user should know: what counts as missing, and what else the values may be."""


def find_written(
    table: Table,
    profiles: Mapping[str, Profile],
    specified: Mapping[str, Role],
    time_format: str | None = None,
) -> dict[str, Found]:
    """Find out how columns are written, by name; those that are as their type says are left out.

    Parameters
    ----------
    table : Table
        The open table.
    profiles : mapping of str to Profile
        Of the columns in question, by name.
    specified : mapping of str to Role
        The roles that the user specifies.
    time_format : str, optional
        Format of times that are text, for DuckDB's ``strptime``.

    Raises
    ------
    ConfigError
        When DuckDB knows no such format.
    SourceError
        When more than a tenth of a column cannot be read as the user says.
    """
    if time_format:
        _check_format(table, time_format)
    asked = _candidates(table, profiles, specified)
    found = {one.column.name: _find(one, specified.get(one.column.name), time_format) for one in asked}
    found |= {name: _nobody(table, table.column(name)) for name, role in specified.items() if role is Role.ENTITY}
    return {name: each for name, each in found.items() if each}


def _check_format(table: Table, time_format: str) -> None:
    try:
        table.aggregate([f"any_value(try_strptime('', {quote_text(time_format)}))"])
    except SourceError as error:
        raise ConfigError(
            f"{time_format!r} is not a format of times; write it like '%d/%m/%Y %H:%M', as DuckDB's strptime takes it"
        ) from error


def _candidates(table: Table, profiles: Mapping[str, Profile], specified: Mapping[str, Role]) -> list[Candidate]:
    """Return the columns that may be written in more than one way."""
    columns = [
        column
        for column in table.columns
        if column.name in profiles and _may_be_written(column, profiles[column.name], specified.get(column.name))
    ]
    masks = read_masks(table, [column for column in columns if column.type == TEXT], profiles)
    return [
        Candidate(table, column, profiles[column.name], masks.get(column.name, Masks()), column.name in specified)
        for column in columns
    ]


def _may_be_written(column: Column, profile: Profile, given: Role | None) -> bool:
    if profile.n_nulls == profile.n_records or (given is not None and given not in READ):
        return False
    if column.type == TEXT:
        return given is not None or _may_be_read(profile)
    return any(kind.match(column.type) for kind in (INTEGERS, FRACTIONS, MOMENTS))


def _may_be_read(profile: Profile) -> bool:
    """Tell whether the smallest and the largest text admit that a column holds times or numbers."""
    ends = [end.strip() for end in (profile.minimum, profile.maximum) if end is not None]
    if profile.mean_length > LONGEST or ends[0] == ends[-1]:
        return False
    if profile.n_distinct <= FEW_VALUES:  # numbers would be a category
        return any(formats_like(mask_of(end)) for end in ends)
    return any(any(letter.isdigit() for letter in end) for end in ends) or all(end.lower() in WORDS for end in ends)


def _find(asked: Candidate, given: Role | None, time_format: str | None) -> Found | None:
    """Return how a column is written, for the role that it is given or else looks like."""
    role, reading = next(
        ((role, reading) for role, reading in _readings(asked, given, time_format) if reading), (None, None)
    )
    if role is None or reading is None:
        return None
    missing = _find_missing(asked, role, reading)
    written = replace(reading.written, missing=tuple(each.value for each in missing))
    if given:
        asked.check(reading, role, _sql(role, reading.written, asked.column))
    remarks = (*_remarks(asked, reading, missing), *(_strays(asked, written) if role is Role.TIMESTAMP else ()))
    if written == PLAIN and not remarks:
        return None
    return Found(role, written, _like(asked, reading), remarks)


def _readings(asked: Candidate, given: Role | None, time_format: str | None) -> Iterable[tuple[Role, Reading | None]]:
    """Read a column in one way after the other, as far as the role it is given admits."""
    kind = asked.column.type
    if given is not Role.NUMBER and not MOMENTS.match(kind):
        if time_format and (kind == TEXT or given):
            yield Role.TIMESTAMP, read_times(asked, time_format)
        if kind == TEXT:
            yield Role.TIMESTAMP, read_times(asked)
        yield Role.TIMESTAMP, read_digits(asked)
    if kind == TEXT and given is not Role.TIMESTAMP:
        yield Role.NUMBER, read_numbers(asked)
    if kind != TEXT or given:
        role = given or (Role.TIMESTAMP if MOMENTS.match(kind) else Role.NUMBER)
        yield role, _as_is(asked, role)


def _as_is(asked: Candidate, role: Role) -> Reading | None:
    """Return what the type of a column says."""
    profile = asked.profile
    if asked.column.type == TEXT:
        return asked.read(PLAIN, _sql(role, PLAIN, asked.column), "")
    n_known = profile.n_records - profile.n_nulls
    return Reading(PLAIN, "", n_known, n_known, (profile.minimum, profile.maximum))


def _sql(role: Role, written: Written, column: Column) -> str:
    return written.moment_sql(column) if role is Role.TIMESTAMP else written.number_sql(column)


def _find_missing(asked: Candidate, role: Role, reading: Reading) -> list[Placeholder]:
    """Return the values that stand for a missing one."""
    find = find_dates if role is Role.TIMESTAMP else find_numbers
    return find(asked.table, _sql(role, reading.written, asked.column), reading.ends, reading.n_read)


def _like(asked: Candidate, reading: Reading) -> str:
    kind, profile = asked.column.type, asked.profile
    if reading.written.formats == (ISO,) and reading.n_read == profile.n_records - profile.n_nulls:
        return "text that holds ISO dates"
    of = "text" if kind == TEXT else "whole numbers" if INTEGERS.match(kind) else kind.lower()
    return f"{of}, read as {reading.like}" if reading.like else ""


def _remarks(asked: Candidate, reading: Reading, missing: Sequence[Placeholder]) -> Iterable[str]:
    if reading.other:
        yield f"{reading.like} rather than {reading.other}, though both fit; if not, give --time-format"
    n_unread = reading.n_known - reading.n_read
    if n_unread:
        yield f"what cannot be read counts as missing ({n_unread:,} of {reading.n_known:,})"
    n_words = asked.profile.n_records - asked.profile.n_nulls - reading.n_known
    if n_words and asked.column.type == TEXT:
        (word, _), *_ = asked.masks.words.most_common(1) or [("", 0)]
        yield f"{word!r} and the like count as missing ({n_words:,} of {n_words + reading.n_known:,})"
    for each in missing:
        yield f"{each.value}, far from all others, counts as missing ({each.n_records:,} of {reading.n_read:,})"


def _strays(asked: Candidate, written: Written) -> Iterable[str]:
    if found := find_strays(asked.table, written.moment_sql(asked.column)):
        strays, (first, last) = found
        yield f"far from all others, which are from {first} to {last}: {', '.join(strays)}"


def _nobody(table: Table, column: Column) -> Found | None:
    """Return that words such as N/A name no entity, if they occur."""
    if column.type != TEXT:
        return None
    n_words = table.count(is_word(column.expression))
    remark = f"'-', 'N/A' and the like name no entity ({n_words:,} of {table.count():,})"
    return Found(Role.ENTITY, Written(has_words=True), "", (remark,)) if n_words else None


def find_moment(table: Table, name: str, time_format: str | None = None, *, is_told: bool) -> Written | None:
    """Return how a column that is no TIMESTAMP or DATE is written as times; None when it is not.

    Parameters
    ----------
    table : Table
        The open table.
    name : str
        The column.
    time_format : str, optional
        See `find_written`.
    is_told : bool
        Whether the user says that it holds times; a column that must hold them cannot hold a tenth of something else.
    """
    column = table.column(name)
    if MOMENTS.match(column.type):
        return None
    profiles = {column.name: table.profiles([column])[0]}
    found = find_written(table, profiles, {column.name: Role.TIMESTAMP} if is_told else {}, time_format).get(
        column.name
    )
    return found.written if found and found.role is Role.TIMESTAMP else None


def match_written(table: Table, column: Column, role: Role, kind: str, written: Written | None) -> Written | None:
    """Return how a column of another table is written, where a model was fitted to one of the same name.

    The way of the fitted column is kept when it reads any of the values. A file may give the column another type,
    because all of its values happen to be plain numbers or known times; then it is read as it is there.

    Parameters
    ----------
    table : Table
        The other table.
    column : Column
        The column in it.
    role : Role
        Its role.
    kind : str
        DuckDB's name of the type that the model was fitted on.
    written : Written or None
        How that was written.

    Returns
    -------
    Written or None
        None when the column is of another kind, or as its type says.
    """
    is_alike = general_kind(column.type) == general_kind(kind)
    if role not in READ or (is_alike and (written is None or column.type != TEXT)):
        return written
    if general_kind(column.type) not in ("name", "number", "moment")[: 3 if role is Role.TIMESTAMP else 2]:
        return None
    profile = table.profiles([column])[0]
    if profile.n_nulls == profile.n_records:
        return written or PLAIN
    masks = read_masks(table, [column], {column.name: profile}) if column.type == TEXT else {}
    asked = Candidate(table, column, profile, masks.get(column.name, Masks()), is_told=True)
    for way in (written, *(reading.written for _, reading in _readings(asked, role, None) if reading)):
        reading = asked.read(way, _sql(role, way, column), "") if way else None
        if way and reading and (reading.n_read or not reading.n_known):
            return replace(way, missing=written.missing if written else ())
    return None

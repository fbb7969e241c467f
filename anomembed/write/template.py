"""The text of a commented configuration file: template.toml, filled in."""

import os
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import tomlkit
from tomlkit.items import Array, Item, Table, Whitespace

from anomembed.config import Config
from anomembed.config.reading import PATHS
from anomembed.errors import plain_text
from anomembed.fit.learnt import HELD_OUT_SHARE, MOST_HELD_OUT
from anomembed.read.databases.addresses import map_path
from anomembed.read.roles.assigned import ColumnRole, Roles
from anomembed.read.roles.role import JUDGED, Role
from anomembed.read.roles.suggestion import Suggestion

THRESHOLDS = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2)  # to choose from, by the size of the reference
FILLED = ("source", "sequence", "embedding")  # sections of what the user gave
SHOWN_WITH = {
    **{name: name for name in ("table", "line_format", "read", "time_format", "time_zone")},
    "vectors": "vectors",
    "vectors_use": "vectors",
}
"""Settings that are left out, not commented out, unless another one is given."""


class Sizes(NamedTuple):
    """Records that roles were inferred from; records or sequences of the reference, and which."""

    n_records: int
    n_reference: int
    unit: str


def config_text(
    config: Config,
    roles: Roles,
    sizes: Sizes,
    folder: Path,
    suggestion: Suggestion | None = None,
    *,
    is_monitored: bool = False,
) -> str:
    """Return a configuration with the inferred roles.

    Parameters
    ----------
    config : Config
        The settings that the user gave.
    roles : Roles
        The inferred roles.
    sizes : Sizes
        How much there is.
    folder : Path
        Where the file will be; a relative path in it starts there.
    suggestion : Suggestion, optional
        The column to offer as the entity, in a comment.
    is_monitored : bool, default=False
        Whether it is for ``anomembed monitor``, too.

    Returns
    -------
    str
        TOML.
    """
    document = tomlkit.parse(files(__package__).joinpath("template.toml").read_text(encoding="utf-8"))
    for section, settings in _given(config, folder).items():
        document[section] = _filled(document[section], settings)
    document["roles"] = _with_roles(document["roles"], roles, suggestion)
    if is_monitored:
        document["monitor"] = _with_watermark(document["monitor"], roles)
    else:
        document.remove("monitor")
        document["store"].remove("keep_scores")
    flags = document["flags"]
    flags["threshold"] = _threshold(flags["threshold"], sizes)
    return f"# Roles inferred from {sizes.n_records:,} records.\n{tomlkit.dumps(document)}"


def _with_watermark(section: Table, roles: Roles) -> Table:
    """Fill in what a monitor needs: the watermark, and the lengths that go with it."""
    times = roles.of(Role.TIMESTAMP)
    given = {"watermark": times[0].name} if times else {}
    return _filled(section, {**given, **{name: section[name] for name in ("window", "delay", "lookback")}})


def _threshold(example: Item, sizes: Sizes) -> Item:
    """Return the lowest threshold that a reference can calibrate, but not less than one in ten thousand.

    What is more abnormal than all records held out has a tail probability of about one in so many. Below that it is
    extrapolated, and how far that goes depends on the records: often not to a tenth of it, and then nothing is flagged.
    """
    lowest = 1 / (min(HELD_OUT_SHARE * sizes.n_reference, MOST_HELD_OUT) + 1)
    chosen = next((threshold for threshold in THRESHOLDS if threshold >= lowest), THRESHOLDS[-1])
    item = _commented_like(example, chosen)
    if lowest > THRESHOLDS[0]:
        item.trivia.comment += f"; {sizes.n_reference:,} {sizes.unit} of reference support none below {lowest:.2g}"
    return item


def _given(config: Config, folder: Path) -> dict[str, dict[str, Any]]:
    """Return the settings that the user gave, by section; relative paths start at `folder`."""
    given = {name: getattr(config, name).model_dump(exclude_unset=True, exclude_none=True) for name in FILLED}
    for section, name in PATHS:
        path = given.get(section, {}).get(name)
        if path:
            given[section][name] = map_path(path, lambda path: _from_folder(path, folder))
    return given


def _from_folder(path: str, folder: Path) -> str:
    return path if Path(path).is_absolute() else os.path.relpath(path, folder)


def _filled(template: Table, given: Mapping[str, Any]) -> Table:
    """Set what is given, and comment out the rest."""
    filled = tomlkit.table()
    for key, item in template.value.body:
        if key is None:
            filled.append(None, item)
        elif given.get(key.key):
            filled.append(key, _commented_like(item, given[key.key]))
        elif key.key not in SHOWN_WITH or given.get(SHOWN_WITH[key.key]):
            filled.add(tomlkit.comment(f"{key.as_string()}{key.sep}{_with_comment(item)}"))
    return filled


def _with_comment(item: Item) -> str:
    return f"{item.as_string()}{item.trivia.comment_ws}{item.trivia.comment}"


def _commented_like(example: Item, value: Any) -> Item:  # noqa: ANN401
    """Return a value with the comment of the example."""
    item: Item = tomlkit.item(value)
    item.trivia.comment_ws, item.trivia.comment = example.trivia.comment_ws, example.trivia.comment
    return item


def _with_roles(template: Table, roles: Roles, suggestion: Suggestion | None) -> Table:
    """Add the columns of every role; a suggested entity is in no other list, so that only its comment sign must go."""
    filled = tomlkit.table()
    for _, comment in template.value.body[:-1]:
        filled.append(None, comment)
    for role in (Role.KEY, *JUDGED, Role.IGNORE):
        columns = [column for column in roles.of(role) if not _is_unused_field(column, roles)]
        if suggestion:
            columns = [column for column in columns if column.name != suggestion.entity]
            columns.sort(key=lambda column: column.name != suggestion.time)  # the first time is that of the entity
        if suggestion and role is Role.ENTITY:
            filled.add(tomlkit.comment(_offer(suggestion)))
        else:
            filled.add(role.value, _array(columns))
    filled.add(tomlkit.nl())
    return filled


def _offer(suggestion: Suggestion) -> str:
    entity = tomlkit.dumps({Role.ENTITY.value: [suggestion.entity]}).strip()
    return f"{entity}  # looks like who acts, {suggestion.reason}; remove the first # to use it"


def _array(columns: Sequence[ColumnRole]) -> Array:
    """Return the names of columns, one a line, each with the reason for its role."""
    array = tomlkit.array()
    spelled = [tomlkit.item(column.name).as_string() for column in columns]
    width = max(map(len, spelled), default=0)
    for column, name in zip(columns, spelled, strict=True):
        array.add_line(column.name, indent="  ")
        gap = Whitespace(" " * (width - len(name) + 1))
        array.add_line(gap, indent="", comment=plain_text(column.reason), newline=False, add_comma=False)
    if columns:
        array.add_line(indent="")
    return array


def _is_unused_field(column: ColumnRole, roles: Roles) -> bool:
    """Tell whether this is an unused field of an unused nested column, which would only be noise."""
    return column.role is Role.IGNORE and any(column.name.startswith(f"{other.name}.") for other in roles.columns)

"""A page from its template: everything that the browser needs is in it, and nothing in it can act but our script."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl

from anomembed.errors import plain_text, shorten
from anomembed.report.drawing import draw_run
from anomembed.report.gathering import MOST_FLAGS, Gathered, gather
from anomembed.score.wording import tail_text
from anomembed.views.reason import clean_text
from anomembed.write.files import check_file, completed
from anomembed.write.model_acts import unit_of
from anomembed.write.models import load_model
from anomembed.write.store import Store

MAKER = '<meta name="generator" content="anomembed">'
HEAD = 4096  # bytes in which the maker is named
MOST_BYTES = 900_000  # of the data of flags; their details go as far as there is room
LEAST_BYTES = 100_000  # of details, where there is none
LONGEST = 240  # characters of a key
LENGTHS = (600, 240, 160, 120, 80, 40, 20)  # of a reason or a value: the first with which flags have room
MOST_PARTS = 12  # columns in the details of a flag


def check_report_path(path: Path, store: str, source: str | None = None, *, force: bool = False) -> None:
    """Refuse a path that the page cannot or must not be written to; see `check_file`."""
    check_file(path, "report", (".html",), {"the store": store, "the source": source}, is_ours=_is_report, force=force)


def _is_report(path: Path) -> bool:
    with path.open("rb") as file:
        return MAKER.encode() in file.read(HEAD)


def write_report(store: Store, path: Path, run_id: int | None = None) -> int:
    """Write the page of a run; the file appears only when it is complete.

    Parameters
    ----------
    store : Store
        An open store.
    path : Path
        The file.
    run_id : int, optional
        The run; by default the newest.

    Returns
    -------
    int
        The run.
    """
    gathered = gather(store, run_id)
    text = render(store, gathered)
    with completed(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return int(gathered.run["run_id"])


def render(store: Store, gathered: Gathered) -> str:
    """Return the page of a run."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    model = None if gathered.run["is_pruned"] else load_model(store, gathered.run["model_id"])
    style, script = part("style.css"), part("script.js")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= dict[str, Any](clean=_clean, plain=_plain, cut=cut, tail=tail_text, number=_number)
    data, n_detailed = flag_data(gathered)
    return environment.from_string(part("page.html.j2")).render(
        run=gathered.run,
        unit=unit_of(gathered.run["roles"]),
        gathered=gathered,
        charts=draw_run(store, model, gathered),
        data=Markup(data),  # noqa: S704  # every character that could end the element is escaped
        style=Markup(style),  # noqa: S704  # our own files
        script=Markup(script),  # noqa: S704
        policy=policy([style], [script]),
        n_shown=gathered.flags.height,
        n_detailed=n_detailed,
        most_flags=MOST_FLAGS,
        settings=_settings(gathered.run["config"]),
        unused=[role for role in gathered.run["roles"] if role["role"] == "ignore"],
        used=[role for role in gathered.run["roles"] if role["role"] != "ignore"],
    )


@cache
def part(name: str) -> str:
    """Return a file of a page: its template, style or script."""
    return files(__package__).joinpath("parts", name).read_text(encoding="utf-8")


def policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """Return the Content-Security-Policy: styles and scripts of ours, by their hashes, and pictures in the page."""
    style, script = (" ".join(map(_hash, texts)) for texts in (styles, scripts))
    allowed = f"style-src {style}; script-src {script}"
    return f"default-src 'none'; {allowed}; img-src data:; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _settings(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the settings that are set, by dotted name."""
    sections = ((name, value) for name, value in config.items() if isinstance(value, dict) and name != "monitor")
    found = [(f"{name}.{key}", value) for name, section in sections for key, value in section.items()]
    return [(name, json.dumps(value, ensure_ascii=False)) for name, value in found if value not in (None, [], False)]


def _clean(value: object) -> str:
    return clean_text(str(value))


def _plain(value: object) -> str:
    return plain_text(str(value))


def _number(value: float) -> str:
    return f"{value:,.0f}"


def flag_data(gathered: Gathered) -> tuple[str, int]:
    """Return the flags of a page as JSON that is safe within HTML, and of how many it has the details.

    A page stays small: where there are thousands of flags, their texts are cut, and details go as far as there is
    room, of the most abnormal flags first.
    """
    place = {finding: at for at, finding in enumerate(gathered.findings["finding"])}
    rows = [(row, json.loads(row["record"] or "{}")) for row in gathered.flags.iter_rows(named=True)]
    names = {name: at for at, name in enumerate(dict.fromkeys(name for _, record in rows for name in record))}
    for longest in LENGTHS:
        flags = [_flag(row, record, place, names, longest) for row, record in rows]
        if (room := MOST_BYTES - len(_json(flags).encode())) >= 0:
            break
    room, details = max(room, LEAST_BYTES), []
    for rank, parts in gathered.parts.group_by("rank", maintain_order=True):
        detail = [int(str(rank[0])), list(_details(parts)), max(parts.height - MOST_PARTS, 0)]
        room -= len(_json(detail).encode()) + 1
        if room < 0:
            break
        details.append(detail)
    return _json({"columns": [clean_text(name) for name in names], "flags": flags, "details": details}), len(details)


def _flag(
    row: Mapping[str, Any], record: Mapping[str, Any], place: Mapping[str, int], names: Mapping[str, int], longest: int
) -> list[Any]:
    carried = [[names[name], cut(clean_text(str(value)), longest)] for name, value in record.items()]
    tail = row["tail_probability"]
    shown = tail_text(tail, is_extrapolated=row["extrapolated"])
    about = [row["rank"], cut(row["key"]), float(f"{tail:.3g}"), shown]
    return [*about, plain_text(row["view"]), cut(row["reason"], longest), place.get(row["finding"], -1), carried]


def cut(text: str, longest: int = LONGEST) -> str:
    """Return a text on one line, without its end when it is long."""
    return plain_text(shorten(text, longest))


def _details(parts: pl.DataFrame) -> Iterator[Sequence[Any]]:
    for _, column, value, contribution, expected in parts.head(MOST_PARTS).iter_rows():
        shown = "(null)" if value is None else clean_text(value)
        yield [clean_text(column), shown, round(contribution, 2), [clean_text(other) for other in expected[:3]]]


def _json(value: object) -> str:
    """Return JSON in which no text can end the element that it is in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")

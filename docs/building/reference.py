"""What the reference pages say is read off the code: commands, settings, the store's schema, the views."""

import inspect
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
from typer.main import get_command

import anomembed
from anomembed.cli import options
from anomembed.cli.commands import app
from anomembed.config import ChannelConfig, Config
from anomembed.config.section import Section, descriptions
from anomembed.represent.learners import LEARNERS
from anomembed.views import RECORD_VIEWS, SEQUENCE_VIEWS
from anomembed.write.store import Store
from building.terminal import TOP, run

SCHEMA = TOP / "docs/configuration.schema.json"


def _flat(commands: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield all commands by name; those of a group by its name and theirs."""
    for name, command in commands.items():
        inner = getattr(command, "commands", None)
        yield from _flat(inner, f"{before}{name} ") if inner else [(before + name, command)]


COMMANDS: dict[str, Any] = dict(_flat(get_command(app).commands))  # type: ignore[attr-defined]


def commands() -> str:
    """Return the help of every command."""
    return "\n\n".join(
        f"## anomembed {name}\n\n{summary(name)}\n\n```text\n{run(f'anomembed {name} --help').text.strip()}\n```"
        for name in COMMANDS
    )


def summary(name: str) -> str:
    """Return the first paragraph of a command's help."""
    return " ".join(COMMANDS[name].help.partition("\n\n")[0].split())


def settings() -> str:
    """Return a table of the settings of every section."""
    tables = [f"## At the top\n\n{_settings_table('', Config)}"]
    for name, about in Config.model_fields.items():
        section: Any = about.annotation
        if _is_section(section):
            text = inspect.cleandoc(section.__doc__ or "")
            table = _settings_table(f"{name}.", section)
            tables.append(f"## [{name}]\n\n{text}\n\n{table}")
    table = _settings_table("monitor.channels.", ChannelConfig)
    tables.append(f"## [[monitor.channels]]\n\n{inspect.cleandoc(ChannelConfig.__doc__ or '')}\n\n{table}")
    return "\n\n".join(tables)


def _is_section(kind: Any) -> bool:
    return inspect.isclass(kind) and hasattr(kind, "model_fields")


def _settings_table(prefix: str, section: type[Section]) -> str:
    flags, meanings = _flags(), descriptions(section)
    rows = [
        (f"`{name}`", _default(about), _markdown(meanings[name]), flags.get(prefix + name, ""))
        for name, about in section.model_fields.items()
        if not _is_section(about.annotation)
    ]
    return _table(("setting", "default", "meaning", "option"), rows)


def _default(about: Any) -> str:
    value = None if about.is_required() else about.get_default(call_default_factory=True)
    return "" if value is None else f"`{json.dumps(value)}`"


def _flags() -> dict[str, str]:
    """Return the option that stands for each setting, such as ``source.where``."""
    found = {}
    for command in COMMANDS.values():
        for parameter in command.params:
            setting = options.SETTINGS.get(parameter.name)
            spelled = [flag for flag in parameter.opts if flag.startswith("--")]
            if setting and spelled:
                path = getattr(setting, "path", None) or str(setting).replace("__", ".")
                found[path] = f"`{spelled[0]}`"
    return found


def schema() -> str:
    """Return the JSON Schema of a configuration, for editors."""
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Config.model_json_schema()
    return json.dumps(made, indent=2) + "\n"


def store() -> str:
    """Return the tables and macros of a new store, with their comments."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.duckdb"
        with Store(str(path)) as made, made.transaction():
            pass
        with duckdb.connect(str(path), read_only=True) as connection:
            return "\n\n".join([*_store_tables(connection), *_macros(connection)])


def _store_tables(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    tables = connection.sql("SELECT table_name, comment FROM duckdb_tables() ORDER BY table_oid").fetchall()
    for name, comment in tables:
        columns = connection.execute(
            "SELECT '`' || column_name || '`', data_type, coalesce(comment, '') FROM duckdb_columns() "
            "WHERE table_name = ? ORDER BY column_index",
            [name],
        ).fetchall()
        about = f"{comment}\n\n" if comment else ""
        yield f"## {name}\n\n{about}{_table(('column', 'type', 'meaning'), columns)}"


def _macros(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    found = connection.sql(
        "SELECT function_name, parameters, coalesce(comment, description, '') FROM duckdb_functions() "
        "WHERE function_type = 'table_macro' AND NOT internal ORDER BY function_name"
    ).fetchall()
    for name, parameters, comment in found:
        yield f"## {name}({', '.join(parameters)})\n\n{comment}".strip()


def views() -> str:
    """Return a table of all views, in the order in which they are added up."""
    kinds = [*((kind, "record") for kind in RECORD_VIEWS), *((kind, "sequence") for kind in SEQUENCE_VIEWS)]
    rows = [
        (f"`{_name(kind)}`", of, kind.summary, f"[`{_file(kind)}`](../anomembed/{_file(kind)})") for kind, of in kinds
    ]
    return _table(("view", "of a", "finds", "file"), rows)


def learners() -> str:
    """Return a table of all learners of embeddings."""
    rows = [(f"`{learner.name}`", " and ".join(learner.fits), learner.about) for learner in LEARNERS.values()]
    return _table(("name", "learns from", "how"), rows)


def _name(kind: type) -> str:
    """Return the name of a view, or what its module is called when it has one name per column."""
    name = getattr(kind, "name", None)
    return name if isinstance(name, str) else kind.__module__.rpartition(".")[2]


def _file(kind: type) -> str:
    module = inspect.getmodule(kind)
    assert isinstance(module, ModuleType)
    return str(Path(module.__file__ or "").relative_to(Path(anomembed.__file__).parent))


def _markdown(text: str) -> str:
    return re.sub(r"``(.*?)``", r"`\1`", " ".join(text.split()))


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)


SECTIONS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "learners": learners,
    "settings": settings,
    "store": store,
    "views": views,
}

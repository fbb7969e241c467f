"""The text of a commented configuration file."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from anomembed.read.roles import JUDGED, ColumnRole, Role, Roles

SEQUENCE = {
    "key": ('"..."', "the column that names a sequence; whole sequences are judged then, not single records"),
    "session_gap": ('"30m"', 'or cut the events of an entity at pauses, or say window = "5m" or length = 20'),
    "order": ('["..."]', "what puts the events of a sequence in order; the timestamp by default"),
    "event": ('["..."]', "what happened; of single records, what is followed in its entity's order"),
}
EMBEDDING = """
# method = "ppmi-svd"  # or another, which `anomembed scan --help` names
# width = 16           # numbers per vector, 1 to 1024, or "auto"
# epochs = 10          # times through the reference, at most; learning ends when the loss no longer falls
# learning_rate = 0.2  # at the start; each method has its own, ppmi-svd, graph, onehot and random have neither
# negatives = 5        # skipgram, cbow, fasttext: values drawn for every true one
# window = 3           # the same three, of sequences: events on either side that are company
"""
SECTIONS = """
[reference]
clean = false  # true when the reference is known to hold no anomalies

[store]
# path = "anomembed.duckdb"  # in the folder of this file; without it, anomembed.duckdb in the current folder

[flags]
# One rule: budget (the N most abnormal of a run), alpha (expected share of false flags) or threshold (tail
# probability).
budget = 20
"""


def config_text(
    database: str,
    table: str | None,
    n_records: int,
    roles: Roles,
    folder: Path,
    line_format: str | None = None,
    sequence: Mapping[str, str | Sequence[str]] | None = None,
    vectors: tuple[str, str | None] | None = None,
) -> str:
    """Return a configuration with the inferred roles.

    Parameters
    ----------
    database, table : str
        The source, as the user named it.
    n_records : int
        Its records.
    roles : Roles
        The inferred roles.
    folder : Path
        Where the file will be; a relative path in it starts there.
    line_format : str, optional
        What the lines of a log are made of.
    sequence : mapping, optional
        What makes a sequence, and which events are followed: settings of the section ``[sequence]``.
    vectors : tuple of str, optional
        The file of vectors to begin with, and what to do with them if that was said.

    Returns
    -------
    str
        TOML.
    """
    lines = [
        f"# Roles inferred from {n_records:,} records.",
        "# `anomembed fit` learns what is normal, `anomembed score` judges. Paths start at the folder of this file.",
        "\n[source]",
        f"database = {_quoted(_beside(database, folder))}",
        *([f"table = {_quoted(table)}"] if table else []),
        *([f"line_format = {_quoted(line_format)}"] if line_format else []),
        '# fit_where = "..."  # SQL: which records define normal; all by default',
        '# where = "..."      # SQL: which records to score; all by default',
        "\n[roles]",
        "# Move a name to another list to change its role; what is in no list is inferred anew.",
    ]
    for role in (Role.KEY, *JUDGED, Role.IGNORE):
        lines += _role_lines(role, [column for column in roles.of(role) if not _is_field(column, roles)])
    return "\n".join(lines) + "\n" + _sequence_text(sequence or {}) + _embedding_text(vectors, folder) + SECTIONS


def _sequence_text(sequence: Mapping[str, str | Sequence[str]]) -> str:
    lines = ["", "[sequence]"]
    for name, (example, meaning) in SEQUENCE.items():
        said = sequence.get(name)
        names = _quoted(said) if isinstance(said, str) else f"[{', '.join(map(_quoted, said or ()))}]"
        lines.append(f"{name} = {names}  # {meaning}" if said else f"# {name} = {example}  # {meaning}")
    return "\n".join(lines) + "\n"


def _embedding_text(vectors: tuple[str, str | None] | None, folder: Path) -> str:
    if vectors is None:
        return "\n# [embedding]" + EMBEDDING
    file, use = vectors
    said = f"vectors_use = {_quoted(use)}" if use else '# vectors_use = "fine-tune"  # or "start" or "frozen"'
    return f"\n[embedding]\nvectors = {_quoted(_beside(file, folder))}\n{said}" + EMBEDDING


def _role_lines(role: Role, columns: Sequence[ColumnRole]) -> list[str]:
    if not columns:
        return [f"{role} = []"]
    width = max(len(_quoted(column.name)) for column in columns) + 1
    entries = [f"  {_quoted(column.name) + ',':<{width}}  # {_one_line(column.reason)}" for column in columns]
    return [f"{role} = [", *entries, "]"]


def _is_field(column: ColumnRole, roles: Roles) -> bool:
    """Tell whether this is an unused field of an unused nested column, which would only be noise."""
    return column.role is Role.IGNORE and any(column.name.startswith(f"{other.name}.") for other in roles.columns)


def _beside(database: str, folder: Path) -> str:
    return database if Path(database).is_absolute() else os.path.relpath(database, folder)


def _quoted(text: str) -> str:
    """Return a TOML basic string; JSON's escapes are TOML's, but for the one of DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)

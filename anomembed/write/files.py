"""Output files: checked before the work, and visible under their name only when complete."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from anomembed.errors import ConfigError


def check_file(path: Path, what: str, endings: Sequence[str], others: Mapping[str, str | None]) -> None:
    """Refuse a file that could not be written later; nothing is left behind.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        What it will hold, for the message.
    endings : sequence of str
        Allowed endings of its name.
    others : mapping of str to str or None
        Files or globs that must not be overwritten, by what they are.

    Raises
    ------
    ConfigError
        When `path` has another ending, is in a folder that does not exist, is a folder or one of the others, or cannot
        be written.
    """
    if path.suffix not in endings:
        raise ConfigError(f"{path}: the {what} can only be written to files that end in {', '.join(endings)}")
    cannot = f"the {what} cannot be written to {path}"
    try:
        if not path.parent.is_dir():
            raise ConfigError(f"no such folder for the {what}: {path.parent}")
        if path.is_dir():
            raise ConfigError(f"{cannot}: it is a folder")
        full = path.resolve()
        for name, other in others.items():
            if other is not None and (full == Path(other).resolve() or full.match(str(Path(other).resolve()))):
                raise ConfigError(f"{cannot}: it is {name}")
        if path.exists() and not os.access(path, os.W_OK):
            raise ConfigError(f"{cannot}: permission denied")
        unfinished = _unfinished(path)
        unfinished.touch()  # finds read-only folders and names that are too long
        unfinished.unlink()
    except OSError as error:
        raise ConfigError(f"{cannot}: {str(error.strerror).lower()}") from error


@contextmanager
def completed(path: Path) -> Iterator[Path]:
    """Yield a temporary file to write; it is renamed to `path` at the end, or removed after an error."""
    unfinished = _unfinished(path)
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _unfinished(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.unfinished")

"""Files that appear under their name when they are complete, and the refusal of those that cannot."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from anomembed.errors import ConfigError


def check_file(path: Path, what: str, endings: Sequence[str], others: Mapping[str, str | None]) -> None:
    """Refuse early what cannot be written late; nothing is left behind.

    Parameters
    ----------
    path : Path
        Where it shall go.
    what : str
        What shall go there, for the message.
    endings : sequence of str
        Of the names that such files may have.
    others : mapping of str to str or None
        Files that must not be overwritten, by what they are; globs are matched.

    Raises
    ------
    ConfigError
        When the ending is another, the folder does not exist, or `path` is a folder, one of the others, or cannot be
        written.
    """
    if path.suffix not in endings:
        raise ConfigError(f"{path}: the {what} can be written to files that end in {', '.join(endings)}")
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
            raise ConfigError(f"{cannot}: it may not be written")
        unfinished = _unfinished(path)
        unfinished.touch()  # only trying tells of read-only folders and names that are too long
        unfinished.unlink()
    except OSError as error:
        raise ConfigError(f"{cannot}: {str(error.strerror).lower()}") from error


@contextmanager
def completed(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to; it becomes `path` when all is done, and goes when something fails."""
    unfinished = _unfinished(path)
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _unfinished(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.unfinished")

"""Output files: checked before the work, and visible under their name only when complete.

A file that a run reads is never written, whatever it is called: files are told apart by device and inode. A file that
is there already is only replaced when it is one of ours of the same kind, or when the user insists.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from anomembed.errors import ConfigError

Others = Mapping[str, str | Path | Iterable[str] | None]
"""Files that must not be overwritten, by what they are: a path, a glob, several of these, or None."""


def check_file(
    path: Path,
    what: str,
    endings: Sequence[str],
    others: Others,
    *,
    is_ours: Callable[[Path], bool] | None = None,
    force: bool = False,
) -> None:
    """Refuse a file that could not or must not be written later; nothing is left behind.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        What it will hold, for the message.
    endings : sequence of str
        Allowed endings of its name.
    others : mapping
        Files or globs that must not be overwritten, by what they are.
    is_ours : callable, optional
        Tells whether an existing file is one that we wrote, which may be replaced; by default none is.
    force : bool, default=False
        Replace an existing file, whatever it holds.

    Raises
    ------
    ConfigError
        When `path` has another ending, is in a folder that does not exist, is no plain file or one of the others, holds
        something else, or cannot be written.
    """
    if endings and path.suffix not in endings:
        raise ConfigError(f"{path}: the {what} can only be written to files that end in {', '.join(endings)}")
    cannot = f"the {what} cannot be written to {path}"
    try:
        _check_place(path, what, cannot)
        check_not_read(path, what, others)
        if path.exists() and not os.access(path, os.W_OK):
            raise ConfigError(f"{cannot}: permission denied")
        unfinished = _unfinished(path)
        unfinished.touch()  # finds read-only folders and names that are too long
        unfinished.unlink()
        if path.exists() and not force and not (is_ours and is_ours(path)):
            raise ConfigError(f"{path} exists and may hold something else; give another name, or --force to replace it")
    except OSError as error:
        raise ConfigError(f"{cannot}: {str(error.strerror).lower()}") from error


def check_not_read(path: Path, what: str, others: Others) -> None:
    """Refuse a file that is read, under this or another name.

    Parameters
    ----------
    path, what, others
        See `check_file`.

    Raises
    ------
    ConfigError
        When it is one of `others`.
    """
    for name, other in others.items():
        some = [str(other)] if isinstance(other, str | Path) else other or ()
        if any(_is_same(path, one) for one in some):
            raise ConfigError(f"the {what} cannot be written to {path}: it is {name}")


def is_same_file(path: str | Path, other: str | Path) -> bool:
    """Tell whether two names are of one file, also by links and where case does not matter."""
    first, second = Path(path), Path(other)
    return first.resolve() == second.resolve() or (first.exists() and second.exists() and first.samefile(second))


def _check_place(path: Path, what: str, cannot: str) -> None:
    if not path.parent.is_dir():
        raise ConfigError(f"no such folder for the {what}: {path.parent}")
    if path.is_symlink():
        raise ConfigError(f"{cannot}: it is a symbolic link; name the file that it leads to")
    if path.is_dir():
        raise ConfigError(f"{cannot}: it is a folder")
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        raise ConfigError(f"{cannot}: it is no plain file")


def _is_same(path: Path, other: str) -> bool:
    """Tell whether two names are of one file, or `other` is a glob that `path` is among the files of."""
    pattern = Path(other).resolve()
    return _is_among(path.resolve(), pattern) or any(is_same_file(path, file) for file in _expanded(pattern))


def _is_among(full: Path, pattern: Path) -> bool:
    """Tell whether a path matches a glob; ``**`` stands for any number of folders."""
    if full.match(str(pattern)):
        return True
    if "**" not in pattern.parts:
        return False
    at = pattern.parts.index("**")
    folder, rest = Path(*pattern.parts[:at]), Path(*pattern.parts[at + 1 :])
    return full.is_relative_to(folder) and full.match(str(rest))


def _expanded(pattern: Path) -> Iterator[Path]:
    """Yield the files of a glob, or the file itself."""
    yield pattern
    fixed = next((at for at, part in enumerate(pattern.parts) if any(sign in part for sign in "*?[")), None)
    if fixed is not None:
        yield from Path(*pattern.parts[:fixed]).glob(str(Path(*pattern.parts[fixed:])))


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

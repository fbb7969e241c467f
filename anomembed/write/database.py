"""A DuckDB file that we write: opened at its newest version, changed in transactions, with errors in one sentence."""

import glob
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import duckdb

from anomembed.errors import LockedError, StoreError
from anomembed.read.connecting import holder
from anomembed.read.fetching import fetch
from anomembed.write.files import completed
from anomembed.write.schema import migrations, read_version, upgrade

if TYPE_CHECKING:
    import polars as pl

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "storage_compatibility_version": "v1.4.0",  # the oldest DuckDB whose shell opens a new file
}
COPY = ".version-"  # ends the name of the copy of an older version, before its number


class OlderStoreError(StoreError):
    """The store was written by an older version, and is open for reading only."""


class Database:
    """An open database; use as a context manager.

    Parameters
    ----------
    path : str or Path
        The DuckDB file; created when it does not exist.
    must_exist : bool, default=False
        Do not create it.
    is_read_only : bool, default=False
        Open it for reading only, beside others that read it; a store of an older version cannot be.
    is_brief : bool, default=False
        Whether it is asked so little that more threads than one take longer to start than they save.

    Attributes
    ----------
    is_unused : bool
        Whether it is new, and nothing has been written to it yet.

    Raises
    ------
    StoreError
        When the file is not a store, is damaged, or was written by a newer version.
    LockedError
        When another process has it open.
    """

    def __init__(
        self, path: str | Path, *, must_exist: bool = False, is_read_only: bool = False, is_brief: bool = False
    ) -> None:
        self.path, self._is_read_only, self._is_brief = Path(path), is_read_only, is_brief
        if str(path) in ("", ".", ":memory:"):
            raise StoreError(f"the store must be a file, not {str(path)!r}: name one by --store")
        if self.path.exists() and not self.path.is_file():
            raise StoreError(f"{self.path} is no plain file; choose another file for the store")
        if must_exist and not self.path.is_file():
            raise StoreError(f"no store at {self.path.absolute()}: run `anomembed fit` first, or name it by --store")
        if not self.path.parent.is_dir():
            raise StoreError(f"no such folder for the store: {self.path.parent}")
        is_new = not self.path.exists()
        self._is_in_transaction = self._has_failed_part = False
        self._copied = ExitStack()
        try:
            self._open(is_new=is_new)
        except BaseException as error:
            if is_new and not isinstance(error, LockedError):  # else another process was faster: the file is not ours
                self._remove()  # also when there was no room for its first block
            raise
        self.is_unused = is_new

    def _open(self, *, is_new: bool) -> None:
        with self._clear_errors():
            config = SETTINGS | ({"threads": "1"} if self._is_brief else {})
            self._connection = duckdb.connect(str(self.path), read_only=self._is_read_only, config=config)
        with ExitStack() as opened:
            opened.callback(self._close)
            self._prepare(is_new=is_new)
            opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, where it was not opened as a context manager."""
        self._close()
        if self.is_unused:  # a command that failed leaves no empty store behind
            self._remove()

    def use_all_threads(self) -> None:
        """Let more be asked of it than when it was opened to be asked little."""
        with self._clear_errors():
            self._connection.execute("RESET threads")

    def _close(self) -> None:
        self._connection.close()
        self._copied.close()

    def _remove(self) -> None:
        for path in (self.path, self.path.with_name(f"{self.path.name}.wal")):
            path.unlink(missing_ok=True)

    def _prepare(self, *, is_new: bool) -> None:
        with self._clear_errors():
            version = 0 if is_new else read_version(self._connection, self.path)
            newest = len(migrations())
            if version > newest:
                raise StoreError(
                    f"{self.path} was written by a newer anomembed (store version {version}, this one knows {newest}); "
                    "upgrade anomembed, or choose another file for the store"
                )
            if version < newest and self._is_read_only:
                raise OlderStoreError(f"{self.path} has store version {version}: `anomembed fit` upgrades it")
            if version < newest:
                self._upgrade(version)
            self._connection.execute("SET memory_limit = '512MB'")
            self._connection.execute("SET enable_progress_bar = false")  # DuckDB's goes to standard output

    def _upgrade(self, version: int) -> None:
        """Bring the file to the newest version, in one transaction; one of an older version is kept beside it."""
        copy = self._keep_copy(version) if version else None
        try:
            with self.transaction() as connection:
                upgrade(connection, version)
        except StoreError as error:
            if copy is None:
                raise
            copy.unlink(missing_ok=True)
            raise StoreError(f"store version {version} cannot be upgraded: {error}") from error

    def _keep_copy(self, version: int) -> Path:
        copy = self.path.with_name(f"{self.path.name}{COPY}{version}")
        try:
            self.copy_to(copy)
        except OSError as error:
            kept = f"cannot be kept as {copy.name} before it is upgraded: {error.strerror or error}"
            raise StoreError(f"{self.path} is of an older version, and {kept}") from error
        return copy

    def copy_to(self, path: Path) -> None:
        """Copy the file, which nobody else can change meanwhile; who has the last copy open keeps that.

        Parameters
        ----------
        path : Path
            The copy; what was there is replaced when it is complete.

        Raises
        ------
        OSError
            When it cannot be written.
        """
        with self._clear_errors():
            self._connection.execute("CHECKPOINT")
        # The lock on the file is this process's: whoever closes the file here, too, lets go of it before all is done.
        source = self._copied.enter_context(self.path.open("rb"))
        with completed(path) as unfinished, unfinished.open("wb") as copy:
            shutil.copyfileobj(source, copy)

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Write everything within it, or nothing; a transaction within another is a part of the outer one.

        Raises
        ------
        StoreError
            When a part failed and its error was caught: nothing is written then either.
        """
        with self._clear_errors(), self._part() if self._is_in_transaction else self._whole():
            yield self._connection

    @contextmanager
    def _part(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._has_failed_part = True
            raise

    @contextmanager
    def _whole(self) -> Iterator[None]:
        self._connection.execute("BEGIN")
        self._is_in_transaction, self._has_failed_part = True, False
        try:
            yield
            if self._has_failed_part:
                raise StoreError(f"nothing was written to {self.path}: a part of the transaction failed")
            self._connection.execute("COMMIT")
            self._is_in_transaction = False
        finally:
            if self._is_in_transaction:
                with suppress(duckdb.Error):  # a commit that failed has rolled back by itself
                    self._connection.execute("ROLLBACK")
                self._is_in_transaction = False
        self.is_unused = False

    def rows(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        given = dict(parameters) if isinstance(parameters, Mapping) else list(parameters)
        with self._clear_errors():
            return self._connection.execute(query, given).fetchall()

    def frame(
        self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = (), **frames: "pl.DataFrame"
    ) -> "pl.DataFrame":
        """Return the rows of a query as a frame; it may read `frames` as tables."""
        with self._clear_errors(), ExitStack() as tables:
            for name, frame in frames.items():
                tables.enter_context(registered(self._connection, name, frame))
            return fetch(self._connection.sql(query, params=parameters))

    def _next(self, table: str, column: str) -> int:
        rows = self._connection.execute(f"SELECT coalesce(max({column}), 0) + 1 FROM {table}").fetchall()
        return int(rows[0][0])

    def _clear_errors(self) -> AbstractContextManager[None]:
        return clear_errors(self.path)


def stored_version(path: Path) -> int:
    """Return the version of a store, which is left as it is.

    Parameters
    ----------
    path : Path
        The file; it must exist.

    Raises
    ------
    StoreError
        When it is no store, or is damaged.
    LockedError
        When another process has it open.
    """
    with clear_errors(path), duckdb.connect(str(path), read_only=True) as connection:
        return read_version(connection, path)


def _restore(path: Path) -> str:
    """Say what to restore a damaged file from: the newest copy that an upgrade has left beside it, if there is one."""
    copies = sorted(path.parent.glob(f"{glob.escape(path.name)}{COPY}*"), key=lambda copy: copy.stat().st_mtime)
    which = f", such as {copies[-1]}, which the last upgrade left" if copies else ""
    return f"restore it from a backup{which}"


@contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """Turn DuckDB's errors about a file that we write into one sentence."""
    try:
        yield
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        if "lock on file" in first:
            message = f"{path} is locked by another process{holder(first)}; try again later"
            raise LockedError(message) from error
        if "Corrupt database file" in first or "Could not read enough bytes" in first:
            raise StoreError(f"{path} is damaged: {_restore(path)}, or choose another file for the store") from error
        if "not a valid DuckDB" in first or "sqlite_scanner" in first:
            raise StoreError(f"{path} is not a DuckDB file; choose another file for the store") from error
        raise StoreError(f"{path}: {first}") from error


@contextmanager
def registered(connection: duckdb.DuckDBPyConnection, name: str, frame: "pl.DataFrame") -> Iterator[None]:
    """Let SQL read a frame as a table of this name.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        An open connection.
    name : str
        Name of the table.
    frame : pl.DataFrame
        Its rows.
    """
    connection.register(name, frame)
    try:
        yield
    finally:
        with suppress(duckdb.Error):  # in an aborted transaction; the error that aborted it is the one to show
            connection.unregister(name)

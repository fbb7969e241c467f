"""Workers of a Dask cluster."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from anomembed.errors import ConfigError, WorkersError
from anomembed.workers.pool import PATIENCE, LostError, Submit, Work, do
from anomembed.workers.versions import check_versions, own_versions

if TYPE_CHECKING:
    from distributed import Client, Future

REACHED_WITHIN = "10s"
WORKER_WITHIN = 30  # seconds until a scheduler without workers has one
LARGEST_PART = "1GB"  # that may be sent without a warning
TRIES = 5  # times that the model is sent


class Dask:
    """Workers of a Dask cluster.

    Parameters
    ----------
    address : str
        Of the scheduler, such as ``tcp://scheduler:8786``.

    Raises
    ------
    ConfigError
        When Dask is not installed.
    """

    patience: float | None = PATIENCE

    def __init__(self, address: str) -> None:
        try:
            import distributed  # noqa: F401
        except ImportError as error:
            raise ConfigError(f"workers at {address} need Dask: pip install 'anomembed[dask]'") from error
        self._address = address
        self.n_workers = 1  # until they are counted

    def check(self) -> None:
        """Reach the workers, and compare versions; see `Pool.check`."""
        with self._client() as client:
            check_versions(self._address, _versions(client))

    @contextmanager
    def start(self, work: Work) -> Iterator[Submit]:
        """Send the work to every worker; see `Pool.start`."""
        with self._client() as client:
            check_versions(self._address, _versions(client))
            self.n_workers = sum(client.nthreads().values())
            held, hanging = _send(client, work), set[str]()

            def submit(part: Any) -> _Pending:  # noqa: ANN401
                nonlocal held
                if held.status != "finished":  # every worker that had it has gone
                    held = _send(client, work)
                others = [at for at in client.nthreads() if at not in hanging] if hanging else None
                # The part goes with the task, because what is scattered is lost with its worker.
                return _Pending(client.submit(do, held, part, pure=False, workers=others or None), hanging)

            yield submit

    @contextmanager
    def _client(self) -> "Iterator[Client]":
        import dask.config
        from distributed import Client

        try:
            client = Client(self._address, timeout=REACHED_WITHIN, set_as_default=False)
        except (OSError, ValueError) as error:
            raise WorkersError(f"the Dask scheduler {self._address} cannot be reached: try again later") from error
        with client, dask.config.set({"distributed.admin.large-graph-warning-threshold": LARGEST_PART}):
            try:
                client.wait_for_workers(1, WORKER_WITHIN)
            except TimeoutError as error:
                raise WorkersError(f"the Dask scheduler {self._address} has no workers: try again later") from error
            yield client


def _send(client: "Client", work: Work) -> "Future":
    """Send the work to every worker; one that goes meanwhile is passed over."""
    for _ in range(TRIES):
        with suppress(OSError):  # among them that a connection is closed, or takes too long
            return client.scatter(work, broadcast=True, hash=False)
    raise WorkersError("the workers go faster than the model can be sent to them: try again later")


def _versions(client: "Client") -> dict[str, dict[str, str]]:
    """Return the versions of packages on each worker, none where ours is missing; nothing of one that has gone."""
    found = client.run(own_versions, on_error="return")
    there = {at: versions for at, versions in found.items() if not isinstance(versions, OSError)}
    return {at: {} if isinstance(versions, Exception) else versions for at, versions in there.items()}


class _Pending:
    """A `Result` that Dask has promised; a worker that does not keep the promise is put among those that hang."""

    def __init__(self, future: "Future", hanging: set[str]) -> None:
        self._future, self._hanging = future, hanging

    def result(self, timeout: float | None) -> Any:  # noqa: ANN401
        from concurrent.futures import CancelledError

        from distributed import KilledWorker
        from distributed.comm.core import CommClosedError

        try:
            return self._future.result(timeout)
        except (KilledWorker, CancelledError, CommClosedError) as error:
            raise LostError(str(error).split("\n")[0]) from error
        except TimeoutError:
            given = self._future.client.processing()
            self._hanging.update(at for at, keys in given.items() if self._future.key in keys)
            raise

    def cancel(self) -> None:
        self._future.cancel()

"""Workers of the Ray cluster that this machine is part of."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging import ERROR
from typing import Any

from anomembed.errors import ConfigError, WorkersError
from anomembed.workers.pool import PATIENCE, LostError, Submit, Work, do
from anomembed.workers.versions import check_versions, own_versions


class Ray:
    """Workers of the Ray cluster that this machine is part of, or that ``RAY_ADDRESS`` names.

    Raises
    ------
    ConfigError
        When Ray is not installed.
    """

    patience: float | None = PATIENCE

    def __init__(self) -> None:
        try:
            import ray  # noqa: F401
        except ImportError as error:
            raise ConfigError("workers of Ray need it installed: pip install 'anomembed[ray]'") from error
        self.n_workers = 1  # until they are counted

    def check(self) -> None:
        """Reach the workers, and compare versions; see `Pool.check`."""
        with self._connected():
            check_versions("the Ray cluster", _versions())

    @contextmanager
    def start(self, work: Work) -> Iterator[Submit]:
        """Send the work to every worker; see `Pool.start`."""
        import ray

        with self._connected():
            check_versions("the Ray cluster", _versions())
            self.n_workers = max(1, int(ray.cluster_resources().get("CPU", 1)))
            held, doing = ray.put(work), ray.remote(max_retries=2)(do)
            yield lambda part: _Pending(doing.remote(held, part))

    @contextmanager
    def _connected(self) -> Iterator[None]:
        import ray

        if ray.is_initialized():  # by the program that this is part of
            yield
            return
        try:
            ray.init("auto", logging_level=ERROR, log_to_driver=False)
        except (ConnectionError, TimeoutError, RuntimeError, ValueError) as error:
            raise WorkersError("this machine is part of no Ray cluster that can be reached: try again later") from error
        try:
            yield
        finally:
            ray.shutdown()


def _versions() -> dict[str, dict[str, str]]:
    """Return the versions of packages on each node, none where ours is missing; nothing of one that has gone."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    ask, found = ray.remote(num_cpus=0)(own_versions), {}
    for node in ray.nodes():
        if node["Alive"]:
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            with suppress(ray.exceptions.RayError):
                try:
                    found[node["NodeManagerAddress"]] = ray.get(ask.options(scheduling_strategy=there).remote())
                except ray.exceptions.RayTaskError:
                    found[node["NodeManagerAddress"]] = {}
    return found


class _Pending:
    """A `Result` that Ray has promised."""

    def __init__(self, reference: Any) -> None:  # noqa: ANN401
        self._reference = reference

    def result(self, timeout: float | None) -> Any:  # noqa: ANN401
        import ray

        try:
            return ray.get(self._reference, timeout=timeout)
        except ray.exceptions.GetTimeoutError as error:
            raise TimeoutError from error
        except ray.exceptions.RayTaskError:
            raise
        except ray.exceptions.RayError as error:
            raise LostError(str(error).split("\n")[0]) from error

    def cancel(self) -> None:
        import ray

        ray.cancel(self._reference, force=True)

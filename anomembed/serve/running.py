"""The server: listens on loopback until Ctrl-C."""

import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from anomembed.errors import ConfigError

LOOPBACK = "127.0.0.1"
PORTS = range(1024, 65_536)
PLAIN: Any = {
    "loop": "asyncio",
    "http": "h11",
    "ws": "none",
    "lifespan": "off",
    "log_config": None,
    "log_level": "critical",
    "proxy_headers": False,
    "server_header": False,
    "timeout_graceful_shutdown": 6,  # seconds after Ctrl-C: a little more than a request waits for a monitor
}
"""Settings of uvicorn, which needs no more than asyncio for this, and says nothing."""


def serve(path: str, port: int, say: Callable[[str], None]) -> None:
    """Serve the review of a store until Ctrl-C.

    Parameters
    ----------
    path : str
        The store.
    port : int
        Where to listen; 0 for any free port.
    say : callable
        Takes a line for the user: the address first, what was decided last.

    Raises
    ------
    ConfigError
        When the extra is missing, or the port cannot be used.
    StoreError, LockedError
        When the store cannot be read.
    """
    try:
        import starlette  # noqa: F401
        import uvicorn
    except ImportError as error:
        raise ConfigError("`anomembed review --web` needs an extra: pip install 'anomembed[review]'") from error
    from anomembed.serve.app import make_app
    from anomembed.serve.desk import Desk
    from anomembed.serve.guard import Guard

    desk, token, bugs = Desk(path), secrets.token_urlsafe(32), list[Exception]()
    desk.findings()  # what is wrong with the store is told now

    def end(bug: Exception) -> None:
        bugs.append(bug)
        server.should_exit = True

    with _listen(port) as listening:
        port = listening.getsockname()[1]
        hosts = frozenset(f"{name}:{port}" for name in (LOOPBACK, "localhost"))
        server = uvicorn.Server(uvicorn.Config(Guard(make_app(desk), token, hosts, end), **PLAIN))
        with _ended_by_ctrl_c(server):
            say(f"open http://{LOOPBACK}:{port}/#{token}")
            say("whoever has this address can read the findings and judge them; Ctrl-C ends")
            server.run([listening])
    say(desk.summary())
    if bugs:
        raise bugs[0]


@contextmanager
def _ended_by_ctrl_c(server: Any) -> Iterator[None]:  # noqa: ANN401  # uvicorn's
    """Let Ctrl-C end a server in order, also one that has not begun; it is how one ends, and no error."""
    before = signal.signal(signal.SIGINT, server.handle_exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _listen(port: int) -> socket.socket:
    if port and port not in PORTS:
        raise ConfigError(f"--port {port} is not 0, for any free port, or {PORTS[0]} to {PORTS[-1]}")
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError as error:
        raise ConfigError(f"--port {port} cannot be used: {error.strerror}; leave it out for any free port") from error

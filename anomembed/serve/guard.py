"""What every request must pass, and what every answer says: asked here, so that no route can forget it."""

from collections.abc import Callable
from secrets import compare_digest

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN = "/"  # the only path that needs no token: the page without anything on it
FIXED = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every answer, unless it has its own."""


class Guard:
    """Lets requests through to an application that come from its own page, with the token.

    Parameters
    ----------
    app : ASGIApp
        The application.
    token : str
        What its page sends with every request.
    hosts : frozenset of str
        Names and ports by which it may be asked: a site whose name leads here (DNS rebinding) asks by its own.
    on_bug : callable
        Gets an exception that the application does not answer.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: frozenset[str], on_bug: Callable[[Exception], None]) -> None:
        self._app, self._hosts, self._on_bug = app, hosts, on_bug
        self._secret = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def send_fixed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in FIXED.items():
                    headers.setdefault(name, value)
            await send(message)

        refused = self._refusal(scope["method"], scope["path"], Headers(scope=scope))
        try:
            await (refused or self._app)(scope, receive, send_fixed)
        except Exception as error:  # it has been answered as an error; the command line tells it
            self._on_bug(error)

    def _refusal(self, method: str, path: str, headers: Headers) -> JSONResponse | None:
        """Return the answer to a request that is not let through; None to one that is."""
        host, origins = headers.get("host", ""), headers.getlist("origin")
        if host not in self._hosts:
            return tell(403, "this server answers to its own address only")
        if any(origin != f"http://{host}" for origin in origins):
            return tell(403, "this server answers its own page only")
        if path != OPEN and not compare_digest(headers.get("authorization", "").encode("latin-1"), self._secret):
            return tell(403, "the token is missing or wrong: open the address that `anomembed review --web` prints")
        if method == "POST" and headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return tell(415, "this server takes JSON only")
        return None


def tell(status: int, why: str) -> JSONResponse:
    """Return an answer that says why nothing was done."""
    return JSONResponse({"error": why}, status)

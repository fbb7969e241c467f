"""What the server answers: an empty page; with the token, the page of a run, findings, and what is decided of them."""

import json
import re
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from anomembed.errors import AnomembedError, LockedError, is_text, plain_text
from anomembed.report import page
from anomembed.serve.desk import Desk
from anomembed.serve.guard import OPEN, tell
from anomembed.write.reviewing import ACTS

UNDO = "undo"
LONGEST_NOTE = 10_000  # characters
MOST_BYTES = 100_000  # of a request: a note with every character escaped
RUN = re.compile("[0-9]{1,9}")
NEWEST = "newest"  # run


class RequestError(AnomembedError):
    """A request cannot be done as it is.

    Parameters
    ----------
    status : int
        Of HTTP.
    why : str
        One sentence for the page.
    """

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def make_app(desk: Desk) -> Starlette:
    """Return the application for a desk; it trusts every request: see `Guard`."""

    def show_shell(_: Request) -> Response:
        text, policy = shell()
        return HTMLResponse(text, headers={"Content-Security-Policy": policy})

    def show_run(request: Request) -> Response:
        run = request.path_params["run"]
        if run != NEWEST and not RUN.fullmatch(run):
            raise HTTPException(404)
        return HTMLResponse(desk.page(None if run == NEWEST else int(run)))

    def show_findings(_: Request) -> Response:
        return JSONResponse(desk.findings())

    async def decide(request: Request) -> Response:
        name, (act, note) = request.path_params["name"], _decision(await _body(request))
        told = await (
            run_in_threadpool(desk.undo, name) if act == UNDO else run_in_threadpool(desk.decide, name, act, note)
        )
        return JSONResponse({"told": told})

    routes = [
        Route(OPEN, show_shell),
        Route("/runs/{run}", show_run),
        Route("/findings", show_findings),
        Route("/findings/{name}", decide, methods=["POST"]),
    ]
    app = Starlette(routes=routes, exception_handlers={AnomembedError: _tell, HTTPException: _tell_http})
    app.router.redirect_slashes = False
    return app


@cache
def shell() -> tuple[str, str]:
    """Return the empty page, and its Content-Security-Policy.

    The page of a run is put into it and comes under this policy, which lets it ask this server, and nobody else.
    """
    folder = files(__package__).joinpath("parts")
    text, style, script = (folder.joinpath(name).read_text("utf-8") for name in ("shell.html", "web.css", "web.js"))
    policy = page.policy([page.part("style.css"), style], [page.part("script.js"), script])
    filled = Template(text).substitute(page_style=page.part("style.css"), style=style, script=script)
    return filled, f"{policy}; connect-src 'self'; frame-ancestors 'none'"


async def _body(request: Request) -> Any:  # noqa: ANN401  # JSON
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                raise RequestError(413, "a note has 10,000 characters at most")
        return json.loads(body)
    except ClientDisconnect:
        raise RequestError(400, "the request has no end") from None
    except (ValueError, RecursionError):
        raise RequestError(400, "the request is not JSON") from None


def _decision(body: Any) -> tuple[str, str | None]:  # noqa: ANN401
    """Return what is decided, and why; raises `RequestError` when that is not what was sent."""
    act, note = (body.get("act"), body.get("note", "")) if isinstance(body, dict) else (None, "")
    if act not in (*ACTS, UNDO):
        raise RequestError(400, f"what is decided is one of {', '.join(ACTS)} and {UNDO}")
    if not isinstance(note, str) or not is_text(note) or len(note) > LONGEST_NOTE:
        raise RequestError(400, f"a note is text of {LONGEST_NOTE:,} characters at most")
    return act, note.strip() or None


def _tell(_: Request, error: Exception) -> Response:
    """Answer an error that we raise on purpose: try again, or change something."""
    status = error.status if isinstance(error, RequestError) else 503 if isinstance(error, LockedError) else 409
    return tell(status, plain_text(str(error)))


def _tell_http(_: Request, error: Any) -> Response:  # noqa: ANN401  # Starlette's: no such path, or not so
    return tell(error.status_code, error.detail)

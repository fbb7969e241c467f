"""Options that take one of some names."""

from collections.abc import Sequence
from typing import Any

import typer


def choice(option: str, names: Sequence[str], about: str) -> Any:  # noqa: ANN401  # as typer.Option returns
    """Return an option that takes one of some names; `about` is what the help says of it."""

    def read(name: str) -> str:
        if name not in names:
            raise typer.BadParameter(f"{name!r} is not {listed(names)}.")
        return name

    return typer.Option(option, metavar=f"<{'|'.join(names)}>", help=about, parser=read)


def listed(names: Sequence[str]) -> str:
    """Return names as they are listed in a sentence.

    Examples
    --------
    >>> listed(["cron", "systemd", "kubernetes"])
    'cron, systemd or kubernetes'
    """
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last

"""Channels that take an alert: a webhook, a command, a file, standard output, and what apprise knows.

No secret appears in an error: errors say what kind of thing failed, never the address or what it answered.
"""

import json
import logging
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from anomembed.config import ChannelConfig
from anomembed.monitor.address import ChannelError, expanded
from anomembed.monitor.messages import Message
from anomembed.monitor.webhook import WebhookError, post
from anomembed.write.sinks import inert


def tell(channel: ChannelConfig, message: Message, timeout: float) -> None:
    """Tell a channel one message.

    Parameters
    ----------
    channel : ChannelConfig
        The channel.
    message : Message
        What to tell.
    timeout : float
        Seconds that it may take.

    Raises
    ------
    ChannelError
        When it did not take it.
    """
    try:
        _TELL[channel.kind](channel.to or "", message, timeout)
    except OSError as error:
        raise ChannelError(f"{channel.title}: {error.strerror or type(error).__name__}") from None
    except (ChannelError, WebhookError) as error:
        raise ChannelError(f"{channel.title}: {error}") from None


def _post(to: str, message: Message, timeout: float) -> None:
    post(expanded(to), json.dumps(message.data).encode(), timeout)


def _run(to: str, message: Message, timeout: float) -> None:
    """Give a command the message on standard input; what it starts is ended with it when it takes too long."""
    told = {"TITLE": message.title, "HTML": message.html, "ALERT": json.dumps(message.data)}
    environment = {**os.environ, **{f"ANOMEMBED_{name}": text for name, text in told.items()}}
    with subprocess.Popen(  # noqa: S603  # the user's own command, without a shell
        arguments_of(to),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=environment,
    ) as process:
        try:
            process.communicate(message.text.encode("utf-8", "replace"), timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise ChannelError(f"the command took longer than {timeout:g} seconds") from None
    if process.returncode:
        raise ChannelError(f"the command ended with {process.returncode}")


def arguments_of(to: str) -> list[str]:
    """Return the words of a command line; raises `ChannelError` when it cannot be read."""
    try:
        parts = shlex.split(to)
    except ValueError as error:
        raise ChannelError(f"the command cannot be read: {str(error).lower()}") from error
    if not parts:
        raise ChannelError("the command is empty")
    return [expanded(part) for part in parts]  # what comes from the environment stays one argument


def _append(to: str, message: Message, timeout: float) -> None:  # noqa: ARG001
    with Path(expanded(to)).open("a", encoding="utf-8") as file:
        file.write(json.dumps(message.data) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _print(to: str, message: Message, timeout: float) -> None:  # noqa: ARG001
    text = message.text.partition("\n\n")[2] or message.text  # the reason, which comes first, is in the title
    sys.stdout.write(inert(f"{message.title}\n{text}\n"))
    sys.stdout.flush()


def _notify(to: str, message: Message, timeout: float) -> None:  # noqa: ARG001  # apprise has timeouts of its own
    address = expanded(to)
    is_mail = address.startswith("mailto")
    told = {"body": message.html, "body_format": "html"} if is_mail else {"body": message.text, "body_format": "text"}
    if not notifier_of(address).notify(title=message.title, **told):
        raise ChannelError("apprise could not tell it")


def notifier_of(to: str) -> Any:  # noqa: ANN401
    """Return what tells an address of apprise; raises `ChannelError` when there is none."""
    try:
        import apprise
    except ImportError as error:
        raise ChannelError("apprise is missing: pip install 'anomembed[alerts]'") from error
    logging.getLogger("apprise").disabled = True  # it logs addresses
    notifier = apprise.Apprise()
    if not notifier.add(to):
        raise ChannelError("apprise does not know such an address")
    return notifier


_TELL = {"webhook": _post, "command": _run, "file": _append, "stdout": _print, "apprise": _notify}

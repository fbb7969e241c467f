"""Channels that take an alert: a webhook, a command, a file, standard output, and what apprise knows.

No secret appears in an error: errors say what kind of thing failed, never the address or what it answered.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from anomembed.config import ChannelConfig
from anomembed.monitor.address import ChannelError, expanded
from anomembed.monitor.findings import CLOSED
from anomembed.monitor.messages import Message
from anomembed.monitor.notifier import notifier_of
from anomembed.monitor.webhook import WebhookError, post
from anomembed.write.sinks import inert

TYPES = {"warn": "warning", "alert": "failure"}  # of apprise: the colour in a chat, the severity for a pager


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
    """Give a command the message on standard input."""
    told = {
        "ANOMEMBED_TITLE": message.title,
        "ANOMEMBED_HTML": message.html,
        "ANOMEMBED_ALERT": json.dumps(message.data),
    }
    code = _process(arguments_of(to), message.text, told, "the command", timeout)
    if code:
        raise ChannelError(f"the command ended with {code}")


def _process(arguments: list[str], text: str, variables: dict[str, str], what: str, timeout: float) -> int:
    """Return how a process ended; with what it started it is killed when it takes too long."""
    with subprocess.Popen(  # noqa: S603  # the user's own command, without a shell
        arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, **variables},
    ) as process:
        try:
            process.communicate(text.encode("utf-8", "replace"), timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise ChannelError(f"{what} took longer than {timeout:g} seconds") from None
    return process.returncode


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


def _notify(to: str, message: Message, timeout: float) -> None:
    """Tell it by apprise in a process of its own, for which the path is that of this one."""
    address = expanded(to)
    notifier_of(address)  # which says what is wrong with it
    is_mail = address.lower().startswith("mailto")
    told = {
        "to": address,
        "timeout": timeout,
        "title": message.title,
        "body": message.html if is_mail else message.text,
        "body_format": "html" if is_mail else "text",
        "notify_type": "success" if message.data["event"] == CLOSED else TYPES[message.data["level"]],
    }
    command = [sys.executable, "-P", "-m", "anomembed.monitor.notifier"]
    if _process(command, json.dumps(told), {"PYTHONPATH": os.pathsep.join(sys.path)}, "apprise", timeout):
        raise ChannelError("apprise could not tell it")


_TELL = {"webhook": _post, "command": _run, "file": _append, "stdout": _print, "apprise": _notify}

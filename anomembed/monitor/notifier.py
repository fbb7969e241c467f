"""Tell one message by apprise, as a process of its own: ``python -m anomembed.monitor.notifier``.

A process can be ended, whatever a service does to it; and what a plugin says, logs or raises, which may hold the
address, goes nowhere.
"""

import json
import logging
import sys
from typing import Any

from anomembed.monitor.address import ChannelError


def notifier_of(to: str) -> Any:  # noqa: ANN401
    """Return what tells an address of apprise; raises `ChannelError` when there is none."""
    try:
        import apprise
    except ImportError as error:
        raise ChannelError("apprise is missing: pip install 'anomembed[alerts]'") from error
    logging.getLogger("apprise").disabled = True  # it logs addresses
    # A POST that is redirected becomes a GET, which succeeds and tells nothing.
    notifier = apprise.Apprise(asset=apprise.AppriseAsset(http_redirects=False))
    if not notifier.add(to):
        raise ChannelError("apprise does not know such an address")
    return notifier


def notify(to: str, timeout: float, **message: str) -> bool:
    """Tell an address one message, and return whether all of its services took it.

    Parameters
    ----------
    to : str
        The address.
    timeout : float
        Seconds that a service may take to answer; apprise itself would wait for four.
    **message : str
        What `apprise.Apprise.notify` takes.
    """
    notifier = notifier_of(to)
    for service in notifier:
        service.socket_connect_timeout = service.socket_read_timeout = timeout
    return bool(notifier.notify(**message))


if __name__ == "__main__":
    sys.exit(not notify(**json.load(sys.stdin)))

"""Addresses of channels, in which ``${NAME}`` is taken from the environment."""

import os
import re

from anomembed.errors import AnomembedError

VARIABLE = re.compile(r"\$\{(\w+)\}")


class ChannelError(AnomembedError):
    """A channel did not take an alert; the next run tries again."""


def expanded(text: str, missing: str | None = None) -> str:
    """Return a text with the variables of the environment that it names.

    Parameters
    ----------
    text : str
        The text.
    missing : str, optional
        What a variable is that is not there.

    Raises
    ------
    ChannelError
        When a variable is not there, and nothing stands for it.

    Examples
    --------
    >>> expanded("mail to ${NOBODY_HAS_THIS}", missing="nobody")
    'mail to nobody'
    """
    for name in VARIABLE.findall(text):
        if name not in os.environ and missing is None:
            raise ChannelError(f"the environment has no {name}")
    return VARIABLE.sub(lambda found: os.environ.get(found[1], missing or ""), text)

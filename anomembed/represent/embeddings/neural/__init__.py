"""Neural networks as learners, by PyTorch, an optional extra: nothing here imports it before a network is fitted.

A fitted network is plain arrays that run in NumPy (`networks.py`): scoring needs no PyTorch.
"""

from typing import Any

from anomembed.errors import ConfigError

NEXT_EVENT = ("gru", "cnn")  # learn from sequences of events
NEURAL = (*NEXT_EVENT, "autoencoder")


def import_torch(method: str) -> Any:  # noqa: ANN401  # a module that may not be there
    """Import PyTorch.

    Parameters
    ----------
    method : str
        The learner that needs it, for the message.

    Raises
    ------
    ConfigError
        When the extra is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise ConfigError(f"embedding {method} needs an extra: pip install 'anomembed[neural]'") from error
    return torch

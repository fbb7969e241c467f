"""Neural networks as learners, by PyTorch, an optional extra: nothing here imports it before a network is fitted.

A fitted network is plain arrays that run in NumPy (`networks.py`): scoring needs no PyTorch.
"""

HIDDEN = 64  # numbers of a layer, or of a state

"""Neural networks as learners, with PyTorch, an optional extra that is imported only when a network is fitted.

A fitted network is plain arrays that run in NumPy (`networks.py`): scoring does not need PyTorch.
"""

HIDDEN = 64  # width of a layer or a state

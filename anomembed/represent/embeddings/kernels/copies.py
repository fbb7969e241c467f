"""Merge copies of vectors that were trained side by side."""

# ruff: noqa: ANN001, ANN201
# mypy: ignore-errors

import numpy as np

from anomembed.represent.embeddings.kernels.rows import NONE
from anomembed.workers.compiled import compiled


@compiled()
def merge_copies(base, copies):
    """Add to every vector the mean change over the copies that changed it."""
    for row in range(len(base)):
        changed = 0
        for copy in range(len(copies)):
            for k in range(base.shape[1]):
                if copies[copy, row, k] != base[row, k]:
                    changed += 1
                    break
        if changed:
            for k in range(base.shape[1]):
                change = NONE
                for copy in range(len(copies)):
                    change += copies[copy, row, k] - base[row, k]
                base[row, k] += change / np.float32(changed)

"""Check detectors from a store: the compiled code of scikit-learn follows indices without looking where they point."""

from collections.abc import Iterator
from typing import Any

import numpy as np


def check_detector(detector: Any) -> None:  # noqa: ANN401
    """Refuse a detector with a tree that points outside of itself, or a support vector that is not there.

    Raises
    ------
    Exception
        Of any kind, when it has one.
    """
    for part in _parts(detector):
        match type(part).__name__:
            case "Tree":
                _check_tree(part)
            case "KDTree" | "KDTree64" | "BallTree" | "BallTree64":
                _check_index(part)
            case "OneClassSVM":
                _check_machine(part)


def _ensure(is_right: object) -> None:
    if not is_right:
        raise ValueError("the detector contradicts itself")


def _parts(detector: Any) -> Iterator[Any]:  # noqa: ANN401
    """Yield the objects that a detector consists of."""
    waiting, seen = [detector], set[int]()
    while waiting:
        part = waiting.pop()
        if id(part) in seen or isinstance(part, str | bytes | int | float | np.generic):
            continue
        seen.add(id(part))
        yield part
        if isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, list | tuple) or (isinstance(part, np.ndarray) and part.dtype == object):
            waiting += list(part)
        else:
            waiting += vars(part).values() if hasattr(part, "__dict__") else ()


def _check_tree(tree: Any) -> None:  # noqa: ANN401
    """Children come after their parents, so that no walk goes round in circles."""
    state = tree.__getstate__()
    nodes, n_nodes = state["nodes"], state["node_count"]
    left, right = nodes["left_child"], nodes["right_child"]
    at, is_leaf = np.arange(len(nodes)), left == -1
    _ensure(0 < n_nodes == len(nodes) == len(state["values"]))
    for child in (left, right):
        _ensure(((child > at) & (child < n_nodes))[~is_leaf].all())
    _ensure(((nodes["feature"] >= 0) & (nodes["feature"] < tree.n_features))[~is_leaf].all())


def _check_index(index: Any) -> None:  # noqa: ANN401
    """Hold the nodes against the points: a node has a part of them, which its two children share."""
    points, order, nodes, bounds = index.get_arrays()
    n_points, n_nodes = len(points), len(nodes)
    start, end, is_leaf = nodes["idx_start"], nodes["idx_end"], nodes["is_leaf"] != 0
    _ensure(n_points == len(order) > 0 < n_nodes == bounds.shape[1])
    _ensure(np.array_equal(np.sort(order), np.arange(n_points)))
    _ensure(((start >= 0) & (start <= end) & (end <= n_points)).all())
    _ensure((2 * np.flatnonzero(~is_leaf) + 2 < n_nodes).all())
    _ensure(bounds.shape[2] == points.shape[1])
    state = index.__getstate__()
    _ensure(state[4] >= 1 and n_nodes == 2 ** state[5] - 1 == state[6])  # points of a leaf, levels and nodes


def _check_machine(machine: Any) -> None:  # noqa: ANN401
    vectors, weights = machine.support_vectors_, machine._dual_coef_
    n_vectors = len(vectors)
    _ensure(vectors.ndim == 2 and vectors.shape[1] == machine.n_features_in_)
    _ensure(weights.shape == (1, n_vectors) and len(machine.support_) == n_vectors)
    _ensure(int(machine._n_support[0]) == n_vectors and len(machine._intercept_) == 1)
    _ensure(all(part.dtype == np.float64 for part in (vectors, weights, machine._intercept_)))

"""Mean distance to the nearest of a few reference vectors, over many draws of them."""

import numpy as np
from numpy.typing import NDArray

from anomembed.workers.blocks import in_blocks
from anomembed.workers.compiled import compiled, is_spared

LANES = 256  # records that the kernel compares at once; the score of a record does not depend on its index among them
UNROLL = 4  # references and features per iteration of the kernel
BLOCK = 16 * LANES  # records per task of a thread
HUGE = np.float32(3e38)
FARTHEST_FEATURE = np.float32(1e17)  # values farther out are clipped: their squares would overflow
ROUNDING = np.float32(2e-6)  # rounding error of a squared distance, relative to the squared lengths


def mean_nearest(
    records: NDArray[np.float32], references: NDArray[np.float32], center: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the mean, over the draws, of every record's distance to the nearest reference of the draw.

    Parameters
    ----------
    records : ndarray of shape (n_records, n_features)
        Float32.
    references : ndarray of shape (n_draws, n_references, n_features)
        The drawn vectors, minus `center`.
    center : ndarray of shape (n_features,)
        A point amid them, for precision.

    Returns
    -------
    ndarray of shape (n_records,)
        Euclidean; the distance of a record does not depend on the other records.
    """
    if is_spared(len(records)):
        return _mean_nearest_of_few(records, references, center)
    references = _padded(references)
    half_square = (references**2).sum(axis=2) / 2
    scores = np.empty(len(records))

    def score(block: slice) -> None:
        near = np.clip(records[block] - center, -FARTHEST_FEATURE, FARTHEST_FEATURE)
        scores[block] = _score_block(near, references, half_square)

    in_blocks(score, len(records), BLOCK)
    return scores


def _mean_nearest_of_few(
    records: NDArray[np.float32], references: NDArray[np.float32], center: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the same by NumPy, a record at a time."""
    half_square = (references**2).sum(axis=2) / 2
    scores = np.empty(len(records))
    for index, record in enumerate(np.clip(records - center, -FARTHEST_FEATURE, FARTHEST_FEATURE)):
        length = (record**2).sum()
        away = length - 2 * (references @ record - half_square).max(axis=1)
        scores[index] = np.sqrt(np.where(away > ROUNDING * length, away, 0)).mean(dtype=np.float64)
    return scores


def _padded(references: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pad references with copies of the first, and features with zeros, to a multiple of `UNROLL`."""
    _, size, width = references.shape
    copies = references[:, np.zeros(-size % UNROLL, np.intp)]
    filled = np.concatenate([references, copies], axis=1)
    return np.ascontiguousarray(np.pad(filled, ((0, 0), (0, 0), (0, -width % UNROLL))))


def _score_block(
    records: NDArray[np.float32], references: NDArray[np.float32], half_square: NDArray[np.float32]
) -> NDArray[np.float64]:
    n, width = records.shape
    lanes = np.zeros((references.shape[2], n + -n % LANES), np.float32)
    lanes[:width, :n] = records.T
    total = np.zeros(lanes.shape[1])
    _add_nearest(lanes, references, half_square, (lanes**2).sum(axis=0), total)
    return total[:n] / len(references)


@compiled()
def _copy(x, lanes, start):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Copy some records; assigning slices would take 20 s to compile, for the error about unequal shapes."""
    for k in range(x.shape[0]):
        for b in range(x.shape[1]):
            x[k, b] = lanes[k, start + b]


@compiled(fastmath=True, error_model="numpy")
def _add_nearest(lanes, references, half_square, square, total):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Add to the total of every record its distance to the nearest reference of each draw.

    |x - r|^2 = |x|^2 - 2 (x.r - |r|^2 / 2), so the nearest reference has the largest term in brackets. Four references
    and four features at a time keep the multipliers busy; the loops over `b` become vector instructions.
    """
    n_features, n_records = lanes.shape
    n_draws, size, _ = references.shape
    x = np.empty((n_features, LANES), np.float32)
    sums = np.empty((UNROLL, LANES), np.float32)
    best = np.empty(LANES, np.float32)
    s0, s1, s2, s3 = sums[0], sums[1], sums[2], sums[3]
    for start in range(0, n_records, LANES):
        _copy(x, lanes, start)
        for t in range(n_draws):
            best[:] = -HUGE
            for j in range(0, size, UNROLL):
                a, b_, c, d = references[t, j], references[t, j + 1], references[t, j + 2], references[t, j + 3]
                s0[:] = -half_square[t, j]
                s1[:] = -half_square[t, j + 1]
                s2[:] = -half_square[t, j + 2]
                s3[:] = -half_square[t, j + 3]
                for k in range(0, n_features, UNROLL):
                    a0, a1, a2, a3 = a[k], a[k + 1], a[k + 2], a[k + 3]
                    b0, b1, b2, b3 = b_[k], b_[k + 1], b_[k + 2], b_[k + 3]
                    c0, c1, c2, c3 = c[k], c[k + 1], c[k + 2], c[k + 3]
                    d0, d1, d2, d3 = d[k], d[k + 1], d[k + 2], d[k + 3]
                    x0, x1, x2, x3 = x[k], x[k + 1], x[k + 2], x[k + 3]
                    for b in range(LANES):
                        y0, y1, y2, y3 = x0[b], x1[b], x2[b], x3[b]
                        s0[b] += a0 * y0 + a1 * y1 + a2 * y2 + a3 * y3
                        s1[b] += b0 * y0 + b1 * y1 + b2 * y2 + b3 * y3
                        s2[b] += c0 * y0 + c1 * y1 + c2 * y2 + c3 * y3
                        s3[b] += d0 * y0 + d1 * y1 + d2 * y2 + d3 * y3
                for b in range(LANES):
                    best[b] = max(best[b], max(max(s0[b], s1[b]), max(s2[b], s3[b])))
            for b in range(LANES):
                length = square[start + b]
                away = length - np.float32(2.0) * best[b]
                total[start + b] += np.sqrt(away) if away > ROUNDING * length else np.float32(0.0)

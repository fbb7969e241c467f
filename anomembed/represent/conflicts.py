"""Find, in each record, the pairs of tokens that meet far less often than by chance: compiled loops."""

import numpy as np

from anomembed.workers.compiled import compiled

LEAST = np.float32(np.log(2))  # a pair that occurs at least half as often as expected is no conflict
NEIGHBOUR = 0.5  # of the records in the range beside it count for a range
SURELY = 1 - 1e-9  # of a ratio that is below this part of another, the log is, however both are rounded


@compiled()
def _entry(row, column, starts, columns, data):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return an entry of a sparse matrix: what `np.searchsorted` finds, without an array for it."""
    low, high = starts[row], starts[row + 1]
    while low < high:
        middle = (low + high) // 2
        if columns[middle] < column:
            low = middle + 1
        else:
            high = middle
    return data[low] if low < starts[row + 1] and columns[low] == column else 0.0


@compiled()
def _meetings(a, b, starts, columns, data):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the records with both tokens."""
    if starts[a + 1] - starts[a] > starts[b + 1] - starts[b]:
        a, b = b, a  # the shorter row is searched sooner
    return _entry(a, b, starts, columns, data)


@compiled()
def _usually(a, b, pair, expected, single, usual):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return how many records would have both tokens by chance, without the few values that are far from the others."""
    share_a, share_b = _entry(a, pair[1], *usual), _entry(b, pair[0], *usual)
    if share_b > 0.0:
        expected = min(expected, single[a] * share_b)
    if share_a > 0.0:
        expected = min(expected, single[b] * share_a)
    return expected


@compiled()
def _near_meetings(a, b, beside, starts, columns, data):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the most records with one of the tokens and a neighbour of the other."""
    near = 0.0
    for side in range(2):
        near = max(near, _meetings(beside[a, side], b, starts, columns, data))
        near = max(near, _meetings(a, beside[b, side], starts, columns, data))
    return near


@compiled()
def _never_met(a, b, rows, absent):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Tell whether one token is of the calendar and did not come while the other was there."""
    return (rows[a] >= 0 and absent[rows[a], b]) or (rows[b] >= 0 and absent[rows[b], a])


@compiled()
def _keep(conflict, found):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Put a conflict in its place among the largest, in order; the least of them goes."""
    k = len(found) - 1
    while k > 0 and found[k - 1] < conflict:
        found[k] = found[k - 1]
        k -= 1
    found[k] = conflict


@compiled()
def find_conflicts(tokens, pairs, concentrations, least, own, counted, usual, rows, absent, largest, worst):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Keep the largest conflicts of every record, in order, and the pair of the first."""
    beside, starts, columns, data, single, shares = counted
    for i in range(len(tokens)):
        found = largest[i]
        too_low = SURELY * np.exp(np.float64(max(found[-1], LEAST)))  # spares most logs, and changes no conflict
        for p in range(len(pairs)):
            a, b = tokens[i, pairs[p, 0]], tokens[i, pairs[p, 1]]
            expected = single[a] * shares[b]
            prior = max(min(concentrations[p, 0] * shares[b], concentrations[p, 1] * shares[a]), least)
            if expected <= 0.0 or expected + prior <= too_low * prior:
                continue  # no conflict even if they never met
            observed = _meetings(a, b, starts, columns, data)
            if expected + prior <= too_low * (max(observed - own, 0.0) + prior) or _never_met(a, b, rows, absent):
                continue
            expected = _usually(a, b, pairs[p], expected, single, usual)
            if observed < expected:
                near = _near_meetings(a, b, beside, starts, columns, data)
                observed = max(observed, min(NEIGHBOUR * near, expected))
            conflict = np.float32(np.log((expected + prior) / (max(observed - own, 0.0) + prior)))
            if conflict <= max(found[-1], LEAST):
                continue
            if conflict > found[0]:
                worst[i] = p
            _keep(conflict, found)
            too_low = SURELY * np.exp(np.float64(max(found[-1], LEAST)))

"""The compiled loops of the learners: integer rows in, vectors changed in place, no Python in between.

Types are numba's to infer, hence no annotations. What runs per pair of tokens is inlined; the rest may be called.
"""

# ruff: noqa: ANN001, ANN201
# mypy: ignore-errors

import numpy as np
from numba import njit

from anomembed.represent.compiled import compiled
from anomembed.represent.embeddings.lanes import LANES, load, product, scaled_sum, store, zeros
from anomembed.represent.embeddings.negative_sampling import (
    draw_outputs,
    fit_outputs,
    make_room,
    start_loss,
    total_loss,
)

ONE, NONE, FROZEN = np.float32(1), np.float32(0), np.float32(np.inf)
COMPANY = 4.0  # in more company than this steps are shorter: it moves a vector more often at once


@compiled(error_model="numpy")
def train_skipgram(
    vectors, contexts, order, rate, last_rate, state, events, starts, window, shuffled,
    part_starts, parts, column_of, offsets, noise, negatives, held, where,
):  # fmt: skip
    """Predict each token's company one by one; an input is the mean of its token's parts. Returns loss and pairs."""
    longest = length_of_longest(starts)
    inputs, found = np.empty((2, longest, vectors.shape[1]), np.float32)
    outputs, tokens = np.empty(negatives + 1, np.int64), np.empty(longest, np.int64)
    told = make_room(longest)
    loss, n_pairs = start_loss(), 0
    for turn in range(len(order)):
        start, stop = starts[order[turn]], starts[order[turn] + 1]
        length = stop - start
        now = np.float32(rate + (last_rate - rate) * turn / len(order))
        now *= np.float32(COMPANY / max(COMPANY, min(2 * window, length - 1)))
        state = take(tokens, events, start, stop, window, shuffled, state)
        if not shuffled:
            now *= np.float32(share_of_different(tokens, length))
        gather(inputs, found, tokens, length, part_starts, parts, vectors)
        for place in range(length):
            first, last = max(0, place - window), min(length, place + window + 1)
            n_pairs += last - first - 1
            state = draw_outputs(outputs, tokens[place], column_of, offsets, noise, state)
            for output in range(negatives + 1):
                fit_outputs(
                    inputs, found, 0, first, place, last - first - 1, contexts, outputs, output, output + 1, now, told,
                    loss,
                )  # fmt: skip
        scatter(vectors, found, tokens, length, part_starts, parts, now, held, where)
    return total_loss(loss, negatives), n_pairs


@compiled(error_model="numpy")
def train_cbow(
    vectors, contexts, order, rate, last_rate, state, events, starts, window, shuffled,
    _part_starts, _parts, column_of, offsets, noise, negatives, held, where,
):  # fmt: skip
    """Predict each token from the mean of its company. Returns loss and predictions."""
    longest = length_of_longest(starts)
    width = vectors.shape[1]
    sums, found = np.zeros((longest + 1, width), np.float32), np.zeros((longest + 1, width), np.float32)
    middle, tokens = np.empty((1, width), np.float32), np.empty(longest, np.int64)
    outputs, told = np.empty(negatives + 1, np.int64), make_room(negatives + 1)
    loss, n_targets = start_loss(), 0
    for turn in range(len(order)):
        now = np.float32(rate + (last_rate - rate) * turn / len(order))
        start, stop = starts[order[turn]], starts[order[turn] + 1]
        length = stop - start
        state = take(tokens, events, start, stop, window, shuffled, state)
        if not shuffled:
            now *= np.float32(share_of_different(tokens, length))
        for place in range(length):
            put_sum(sums, place + 1, sums, place, vectors, tokens[place])
        for place in range(length):
            first, last = max(0, place - window), min(length, place + window + 1)
            n_targets += 1
            mean_between(middle, sums, first, last, vectors, tokens[place])
            clear(found, place + 1)
            state = draw_outputs(outputs, tokens[place], column_of, offsets, noise, state)
            fit_outputs(middle, found, place + 1, 0, 1, 1, contexts, outputs, 0, negatives + 1, now, told, loss)
        spread(vectors, found, sums, tokens, length, window, now, held, where)
    return total_loss(loss, negatives), n_targets


@compiled()
def train_glove(
    vectors, contexts, of_vectors, of_contexts, biases, of_biases, first, second, target, weight, order, rate, held,
    where,
):  # fmt: skip
    """Go once through the pairs; a number's step falls with the squares of its slopes so far. Returns the loss."""
    width = vectors.shape[1]
    loss = 0.0
    for turn in range(len(order)):
        pair = order[turn]
        a, b = first[pair], second[pair]
        at = biases[0, a] + biases[1, b] - target[pair]
        for start in range(0, width, LANES):
            at += product(load(vectors, a * width + start), load(contexts, b * width + start))
        loss += weight[pair] * at * at
        slope = weight[pair] * at
        for k in range(width):
            to_first, to_second = slope * contexts[b, k], slope * vectors[a, k]
            if held[a] < FROZEN:
                if held[a] > NONE:
                    to_first += weight[pair] * held[a] * (vectors[a, k] - where[a, k])
                vectors[a, k] -= rate * to_first / np.sqrt(of_vectors[a, k])
                of_vectors[a, k] += to_first * to_first
            contexts[b, k] -= rate * to_second / np.sqrt(of_contexts[b, k])
            of_contexts[b, k] += to_second * to_second
        biases[0, a] -= rate * slope / np.sqrt(of_biases[0, a])
        biases[1, b] -= rate * slope / np.sqrt(of_biases[1, b])
        of_biases[0, a] += slope * slope
        of_biases[1, b] += slope * slope
    return loss


@compiled()
def put_together(base, copies):
    """Add to every vector the mean change of the copies that changed it."""
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


@compiled()
def length_of_longest(starts):
    """Return how long the longest sequence is."""
    longest = 0
    for place in range(len(starts) - 1):
        longest = max(longest, starts[place + 1] - starts[place])
    return longest


@compiled()
def take(tokens, events, start, stop, window, shuffled, state):
    """Read a sequence; the values of a wide record in random order, so that all of them meet in time."""
    length = stop - start
    for place in range(length):
        tokens[place] = events[start + place]
    if shuffled and length - 1 > window:
        for place in range(length - 1, 0, -1):
            state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
            other = np.int64(((state >> np.uint64(32)) * np.uint64(place + 1)) >> np.uint64(32))
            tokens[place], tokens[other] = tokens[other], tokens[place]
    return state


@compiled()
def share_of_different(tokens, length):
    """Return the share of events that did not occur before: an event that repeats itself is moved as often at once."""
    different = 0
    for place in range(length):
        is_new = 1
        for before in range(place):
            if tokens[before] == tokens[place]:
                is_new = 0
                break
        different += is_new
    return different / length


@compiled()
def gather(inputs, found, tokens, length, part_starts, parts, vectors):
    """Make the input vectors of a sequence, and room for where they shall go."""
    for place in range(length):
        clear(inputs, place)
        clear(found, place)
        low, high = part_starts[tokens[place]], part_starts[tokens[place] + 1]
        for part in range(low, high):
            add_row(inputs, place, np.float32(1.0 / (high - low)), vectors, parts[part])


@compiled()
def scatter(vectors, found, tokens, length, part_starts, parts, rate, held, where):
    """Move every part of a token to where the token shall go."""
    for place in range(length):
        for part in range(part_starts[tokens[place]], part_starts[tokens[place] + 1]):
            row = parts[part]
            if held[row] < FROZEN:
                add_row(vectors, row, ONE, found, place)
                pull(vectors, row, rate * held[row], where)


@compiled()
def pull(vectors, row, strength, where):
    """Move a vector some of the way to where it is held."""
    if strength > NONE:
        part = min(strength, ONE)
        add_row(vectors, row, -part, vectors, row)
        add_row(vectors, row, part, where, row)


@compiled()
def mean_between(middle, sums, first, last, vectors, token):
    """Make the mean vector of a token's company of running sums."""
    width, part = vectors.shape[1], np.float32(1.0 / (last - first - 1))
    for start in range(0, width, LANES):
        total = sum_between(sums, first, last, vectors, token, start)
        store(middle, start, scaled_sum(part, total, zeros()))


@njit(inline="always")
def sum_between(sums, first, last, rows, without, start):
    """Return sixteen numbers of the sum from `first` to `last`, without those of one row, of running sums."""
    width = sums.shape[1]
    total = scaled_sum(-ONE, load(sums, first * width + start), load(sums, last * width + start))
    return scaled_sum(-ONE, load(rows, without * width + start), total)


@compiled()
def spread(vectors, found, sums, tokens, length, window, rate, held, where):
    """Move every token to where all that it was company of shall go; `found` starts at its second row."""
    for place in range(length):
        put_sum(sums, place + 1, sums, place, found, place + 1)
    for place in range(length):
        row = tokens[place]
        if held[row] < FROZEN:
            first, last = max(0, place - window), min(length, place + window + 1)
            for start in range(0, vectors.shape[1], LANES):
                total = sum_between(sums, first, last, found, place + 1, start)
                at = row * vectors.shape[1] + start
                store(vectors, at, scaled_sum(ONE, total, load(vectors, at)))
            pull(vectors, row, rate * held[row], where)


@compiled()
def add_row(rows, row, scale, other, place):
    """Add `scale` times the row `place` of `other` to a row."""
    width = rows.shape[1]
    for start in range(0, width, LANES):
        summed = scaled_sum(scale, load(other, place * width + start), load(rows, row * width + start))
        store(rows, row * width + start, summed)


@compiled()
def put_sum(rows, row, first, place, second, other):
    """Set a row to the sum of two others."""
    width = rows.shape[1]
    for start in range(0, width, LANES):
        summed = scaled_sum(ONE, load(first, place * width + start), load(second, other * width + start))
        store(rows, row * width + start, summed)


@compiled()
def clear(rows, row):
    """Set a row to zero."""
    width = rows.shape[1]
    for start in range(0, width, LANES):
        store(rows, row * width + start, zeros())

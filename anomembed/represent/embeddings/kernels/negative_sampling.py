"""Draw outputs, take the steps that tell a true output from drawn ones, and add up the loss: skip-gram and CBOW.

Products of inputs and outputs come first, so that their logistic functions are computed 16 at a time: by Lambert's
continued fraction of the hyperbolic tangent to the seventh power, which errs by less than 1e-5. The loss is the
logarithm of a product of chances, taken only when the product gets too small. Skip-gram runs 1.5 times as fast this way
as with a table of the logistic function. Taking all outputs of a token at once would be twice as fast as the table, but
among few values one is often drawn twice and then moves twice as far: the loss stays higher.
"""

# ruff: noqa: ANN001, ANN201
# mypy: ignore-errors

import numpy as np
from numba import njit

from anomembed.workers.compiled import compiled
from anomembed.workers.lanes import LANES, load, product, scaled_sum, store

FAR = np.float32(8)  # beyond it the logistic function is constant and the loss linear
ABOVE = np.float32(135135), np.float32(17325), np.float32(378)  # numerator of the fraction, lowest power first
BELOW = np.float32(135135), np.float32(62370), np.float32(3150), np.float32(28)
ONE, HALF, NONE = np.float32(1), np.float32(0.5), np.float32(0)
STEP, CHANCE, BEYOND, WEIGHT = range(4)  # rows of `pairs`, a column per input and output; the product, before a step
TRUE, DRAWN, LOSS = range(3)  # products of chances of true and of drawn outputs; the loss no longer in them
LEAST = 1e-200  # of a product


@compiled()
def make_room(most):
    """Return scratch space for `most` pairs, rounded up to whole lanes."""
    return np.zeros((4, (most + LANES - 1) // LANES * LANES), np.float32)


@compiled()
def start_loss():
    """Return a loss of zero, in three parts."""
    return np.array([1.0, 1.0, 0.0])


@compiled()
def total_loss(loss, negatives):
    """Return the loss as one number."""
    return loss[LOSS] - np.log(loss[TRUE]) - np.log(loss[DRAWN]) / negatives


@njit(inline="always")
def draw_outputs(outputs, token, column_of, offsets, noise, state):
    """Fill `outputs` with a token and others drawn from its column; returns the next state of the generator."""
    column = column_of[token]
    outputs[0] = token
    for drawn in range(1, len(outputs)):
        outputs[drawn], state = draw(state, offsets[column], offsets[column + 1], noise)
    return state


@njit(inline="always")
def draw(state, low, high, noise):
    """Draw a token of a column; returns it and the next state of the generator."""
    state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
    upper, lower = state >> np.uint64(32), (state >> np.uint64(8)) & np.uint64(0xFFFFFFFF)
    token = low + np.int64((upper * np.uint64(high - low)) >> np.uint64(32))
    entry = noise[token]
    is_alias = np.int64(lower > entry >> np.uint64(32))  # no branch: the processor could not predict it
    return token + is_alias * (np.int64(entry & np.uint64(0xFFFFFFFF)) - token), state


@njit(inline="always")
def fit_outputs(inputs, moves, shift, first, skip, n_inputs, contexts, outputs, low, high, rate, pairs, loss):
    """Tell the true output (the first of `outputs`) from drawn ones, given each of some inputs, all at the same rate.

    The inputs are `n_inputs` rows from `first` on, without the row `skip` (the token itself). The outputs from `low` to
    `high` move in `contexts` at once; the moves of the inputs are added to `moves`, `shift` rows further down. `pairs`
    is scratch space; `loss` is added to.
    """
    width, n_outputs = contexts.shape[1], high - low
    for output in range(n_outputs):
        for number in range(n_inputs):
            row = first + number + np.int64(first + number >= skip)
            at, other = NONE, outputs[low + output]
            for block in range(0, width, LANES):
                at += product(load(inputs, row * width + block), load(contexts, other * width + block))
            pairs[STEP, output * n_inputs + number] = at
    n_true = n_inputs if low == 0 else 0
    find_steps(pairs, loss, n_true, n_inputs * n_outputs, rate, np.float32(1.0 / (len(outputs) - 1)))
    for output in range(n_outputs):
        other = outputs[low + output]
        for block in range(0, width, LANES):
            of_output = load(contexts, other * width + block)
            moved = of_output
            for number in range(n_inputs):
                row = first + number + np.int64(first + number >= skip)
                far, there = pairs[STEP, output * n_inputs + number], (row + shift) * width + block
                moved = scaled_sum(far, load(inputs, row * width + block), moved)
                store(moves, there, scaled_sum(far, of_output, load(moves, there)))
            store(contexts, other * width + block, moved)


@njit(inline="always")
def find_steps(pairs, loss, n_true, n_all, rate, share):
    """Turn products, those of the true output first, into steps along the other vector; `share` weighs drawn ones."""
    room, stop = pairs.shape[1], (n_all + LANES - 1) // LANES * LANES
    for i in range(n_all, stop):
        pairs[STEP, i] = NONE
    for i in range(stop):  # no branches and no sums, so that the compiler takes 16 at a time
        at = pairs[STEP, i]
        is_true, weight = (ONE, ONE) if i < n_true else (NONE, share)
        near = min(max(at, -FAR), FAR)
        half = near * HALF
        square = half * half
        above = half * (ABOVE[0] + square * (ABOVE[1] + square * (ABOVE[2] + square)))
        below = BELOW[0] + square * (BELOW[1] + square * (BELOW[2] + square * BELOW[3]))
        missed = is_true - HALF - HALF * above / below
        pairs[STEP, i] = missed * rate * weight
        pairs[CHANCE, i] = ONE - abs(missed)
        beyond = (at - near) * (ONE - is_true - is_true)
        pairs[BEYOND, i] = NONE if beyond < NONE else beyond  # on the wrong side; NaN stays NaN
        pairs[WEIGHT, i] = weight
    multiply(loss, TRUE, ONE, pairs, 0, n_true)
    multiply(loss, DRAWN, share, pairs, n_true, n_all)
    for block in range(0, stop, LANES):
        loss[LOSS] += product(load(pairs, BEYOND * room + block), load(pairs, WEIGHT * room + block))


@njit(inline="always")
def multiply(loss, kind, weight, pairs, start, stop):
    """Multiply chances into one of the products."""
    chances = loss[kind]
    for i in range(start, stop):
        chances *= pairs[CHANCE, i]
        if chances < LEAST:
            loss[LOSS] -= weight * np.log(chances)
            chances = 1.0
    loss[kind] = chances

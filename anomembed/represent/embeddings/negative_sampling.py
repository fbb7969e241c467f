"""Tell a true output from drawn ones by each of several inputs: the inner loops of skip-gram and CBOW.

Products of inputs and outputs are taken first, so that their logistic functions are computed sixteen at a time: by
Lambert's continued fraction of the hyperbolic tangent, to the seventh power, off by less than 1e-5. The loss is the
logarithm of a product of chances, taken only when the product gets too small to go on. Skip-gram became half as fast
again by it as with a table of the logistic function. Taking all outputs of a token at once would make it twice as fast
as that table, but of few values one is often drawn twice, which then goes twice as far: the loss stays higher.
"""

# ruff: noqa: ANN001, ANN201
# mypy: ignore-errors

import numpy as np
from numba import njit

from anomembed.represent.compiled import compiled
from anomembed.represent.embeddings.lanes import LANES, load, product, scaled_sum, store

FAR = np.float32(8)  # beyond it the logistic function stays as it is, and the loss is a straight line
ABOVE = np.float32(135135), np.float32(17325), np.float32(378)  # numerator of the fraction, lowest power first
BELOW = np.float32(135135), np.float32(62370), np.float32(3150), np.float32(28)
ONE, HALF, NONE = np.float32(1), np.float32(0.5), np.float32(0)
ALONG, CHANCE, BEYOND, WEIGHT = range(4)  # what is told of every pair of input and output, a row each
TRUE, DRAWN, LOSS = range(3)  # products of chances of the true and of the drawn outputs; what is no longer in them
LEAST = 1e-200  # of a product


@compiled()
def make_room(most):
    """Return room for what is told of so many pairs, in whole lanes."""
    return np.zeros((4, (most + LANES - 1) // LANES * LANES), np.float32)


@compiled()
def start_loss():
    """Return the loss of nothing, in three parts."""
    return np.array([1.0, 1.0, 0.0])


@compiled()
def total_loss(loss, negatives):
    """Return the loss as one number."""
    return loss[LOSS] - np.log(loss[TRUE]) - np.log(loss[DRAWN]) / negatives


@njit(inline="always")
def draw_outputs(outputs, token, column_of, offsets, noise, state):
    """Put a token and others drawn from its column into `outputs`; returns the next state of the generator."""
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
    moves = np.int64(lower > entry >> np.uint64(32))  # no branch: which way it goes is anybody's guess
    return token + moves * (np.int64(entry & np.uint64(0xFFFFFFFF)) - token), state


@njit(inline="always")
def fit_outputs(inputs, found, shift, first, skip, n_inputs, contexts, outputs, low, high, rate, told, loss):
    """Tell a true output, the first of `outputs`, from drawn ones by each of some inputs, all at the same rate.

    The inputs are `n_inputs` rows from `first` on, the row `skip` (the token itself) left out. The outputs from `low`
    to `high` are moved in `contexts`; how far the inputs shall go is added to `found`, as many rows on as `shift`
    says. `told` is room for what is computed of every pair, `loss` is added to.
    """
    width, n_outputs = contexts.shape[1], high - low
    for output in range(n_outputs):
        for place in range(n_inputs):
            row = first + place + np.int64(first + place >= skip)
            at, other = NONE, outputs[low + output]
            for block in range(0, width, LANES):
                at += product(load(inputs, row * width + block), load(contexts, other * width + block))
            told[ALONG, output * n_inputs + place] = at
    n_true = n_inputs if low == 0 else 0
    find_steps(told, loss, n_true, n_inputs * n_outputs, rate, np.float32(1.0 / (len(outputs) - 1)))
    for output in range(n_outputs):
        other = outputs[low + output]
        for block in range(0, width, LANES):
            of_output = load(contexts, other * width + block)
            moved = of_output
            for place in range(n_inputs):
                row = first + place + np.int64(first + place >= skip)
                far, there = told[ALONG, output * n_inputs + place], (row + shift) * width + block
                moved = scaled_sum(far, load(inputs, row * width + block), moved)
                store(found, there, scaled_sum(far, of_output, load(found, there)))
            store(contexts, other * width + block, moved)


@njit(inline="always")
def find_steps(told, loss, n_true, n_all, rate, share):
    """Turn products, those of the true output first, into steps along the other vector; `share` weighs the others."""
    room, stop = told.shape[1], (n_all + LANES - 1) // LANES * LANES
    for i in range(n_all, stop):
        told[ALONG, i] = NONE
    for i in range(stop):  # no branches and no sums, so that the compiler takes sixteen at a time
        at = told[ALONG, i]
        is_true, weight = (ONE, ONE) if i < n_true else (NONE, share)
        near = min(max(at, -FAR), FAR)
        half = near * HALF
        square = half * half
        above = half * (ABOVE[0] + square * (ABOVE[1] + square * (ABOVE[2] + square)))
        below = BELOW[0] + square * (BELOW[1] + square * (BELOW[2] + square * BELOW[3]))
        missed = is_true - HALF - HALF * above / below
        told[ALONG, i] = missed * rate * weight
        told[CHANCE, i] = ONE - abs(missed)
        beyond = (at - near) * (ONE - is_true - is_true)
        told[BEYOND, i] = NONE if beyond < NONE else beyond  # on the wrong side; what is not a number stays so
        told[WEIGHT, i] = weight
    multiply(loss, TRUE, ONE, told, 0, n_true)
    multiply(loss, DRAWN, share, told, n_true, n_all)
    for block in range(0, stop, LANES):
        loss[LOSS] += product(load(told, BEYOND * room + block), load(told, WEIGHT * room + block))


@njit(inline="always")
def multiply(loss, kind, weight, told, start, stop):
    """Multiply more chances into one of the products."""
    chances = loss[kind]
    for i in range(start, stop):
        chances *= told[CHANCE, i]
        if chances < LEAST:
            loss[LOSS] -= weight * np.log(chances)
            chances = 1.0
    loss[kind] = chances

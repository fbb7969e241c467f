"""The compiled kernels of `anomembed.represent.embeddings.kernels` in plain NumPy: slow, readable, and their oracle.

Vectors and contexts are float64 copies that change in place, as in the kernels.
"""

import numpy as np

FAR = 8.0  # the logistic function is cut off there
BITS = 2**64


def read_sequence(samples, sequence, state):
    """Return the tokens of a sequence, shuffled if it is a wide record, and the next state."""
    tokens = samples.events[samples.starts[sequence] : samples.starts[sequence + 1]].tolist()
    if samples.shuffled and len(tokens) - 1 > samples.window:
        for last in range(len(tokens) - 1, 0, -1):
            state = next_state(state)
            other = ((state >> 32) * (last + 1)) >> 32
            tokens[last], tokens[other] = tokens[other], tokens[last]
    return tokens, state


def next_state(state):
    return (state * 6364136223846793005 + 1442695040888963407) % BITS


def draw_outputs(samples, token, state):
    """Return a token and others drawn from its column by the alias method, and the next state."""
    column = samples.column_of[token]
    low, high = (int(end) for end in samples.offsets[column : column + 2])
    outputs = [token]
    for _ in range(samples.negatives):
        state = next_state(state)
        drawn = low + (((state >> 32) * (high - low)) >> 32)
        stay, alias = divmod(int(samples.noise[drawn]), 2**32)
        outputs.append(alias if (state >> 8) % 2**32 > stay else drawn)
    return outputs, state


def learning_rate(samples, tokens, rates, share):
    """Return the rate after a share of the sequences; lower where an event repeats itself."""
    rate = rates[0] + (rates[1] - rates[0]) * share
    return rate if samples.shuffled else rate * len(set(tokens)) / len(tokens)


def window_around(samples, position, length):
    near = range(max(0, position - samples.window), min(length, position + samples.window + 1))
    return [other for other in near if other != position]


def tell(products, *, is_true):
    """Return how far each product is from what it should be, and the sum of the losses."""
    missed = is_true - 1 / (1 + np.exp(-np.clip(products, -FAR, FAR)))
    return missed, float(np.logaddexp(0, -products if is_true else products).sum())


def move_row(vectors, row, move, rate, samples):
    """Apply a move to a row, then pull it back to its anchor."""
    if np.isinf(samples.pulls[row]):
        return
    vectors[row] += move
    if samples.pulls[row] > 0:
        vectors[row] += min(rate * samples.pulls[row], 1) * (samples.anchors[row] - vectors[row])


def train_skipgram(vectors, contexts, order, rates, state, samples):
    """Predict the context of each token, one output at a time. Returns loss and pairs."""
    loss, n_pairs = 0.0, 0
    for turn, sequence in enumerate(order):
        tokens, state = read_sequence(samples, sequence, state)
        rate = learning_rate(samples, tokens, rates, turn / len(order))
        rate *= 4 / max(4, min(2 * samples.window, len(tokens) - 1))
        parts = [samples.parts[samples.part_starts[token] : samples.part_starts[token + 1]] for token in tokens]
        inputs = np.array([vectors[rows].mean(axis=0) for rows in parts])
        moves = np.zeros_like(inputs)
        for position, token in enumerate(tokens):
            near = window_around(samples, position, len(tokens))
            n_pairs += len(near)
            outputs, state = draw_outputs(samples, token, state)
            for number, output in enumerate(outputs):
                weight = 1 / samples.negatives if number else 1
                missed, nats = tell(inputs[near] @ contexts[output], is_true=number == 0)
                steps = missed * rate * weight
                moves[near] += np.outer(steps, contexts[output])
                contexts[output] += steps @ inputs[near]
                loss += weight * nats
        for rows, move in zip(parts, moves, strict=True):
            for row in rows:
                move_row(vectors, row, move, rate, samples)
    return loss, n_pairs


def train_cbow(vectors, contexts, order, rates, state, samples):
    """Predict each token from the mean of its context, all outputs at once. Returns loss and predictions."""
    loss, n_targets = 0.0, 0
    for turn, sequence in enumerate(order):
        tokens, state = read_sequence(samples, sequence, state)
        rate = learning_rate(samples, tokens, rates, turn / len(order))
        windows = [window_around(samples, position, len(tokens)) for position in range(len(tokens))]
        inputs = vectors[tokens]
        moves = np.zeros_like(inputs)
        for position, token in enumerate(tokens):
            mean = inputs[windows[position]].mean(axis=0)
            outputs, state = draw_outputs(samples, token, state)
            products = contexts[outputs] @ mean
            for number, output in enumerate(outputs):
                weight = 1 / samples.negatives if number else 1
                missed, nats = tell(products[number], is_true=number == 0)
                moves[position] += missed * rate * weight * contexts[output]
                contexts[output] += missed * rate * weight * mean
                loss += weight * nats
            n_targets += 1
        for position, token in enumerate(tokens):
            move_row(vectors, token, moves[windows[position]].sum(axis=0), rate, samples)
    return loss, n_targets


def train_glove(vectors, contexts, squares, biases, pairs, order, rate, pulls, anchors):
    """Take an AdaGrad step for every pair. Returns the loss.

    `squares` are the sums of squared gradients of `vectors`, `contexts` and `biases`; `pairs` are the arrays first,
    second, target and weight.
    """
    loss = 0.0
    for first, second, target, weight in zip(*(array[order] for array in pairs), strict=True):
        error = vectors[first] @ contexts[second] + biases[0, first] + biases[1, second] - target
        loss += weight * error**2
        slope = weight * error
        of_vector, of_context = slope * contexts[second], slope * vectors[first]
        if pulls[first] > 0 and np.isfinite(pulls[first]):
            of_vector = of_vector + weight * pulls[first] * (vectors[first] - anchors[first])
        if np.isfinite(pulls[first]):
            descend(vectors, squares[0], first, of_vector, rate)
        descend(contexts, squares[1], second, of_context, rate)
        descend(biases, squares[2], (0, first), slope, rate)
        descend(biases, squares[2], (1, second), slope, rate)
    return loss


def descend(values, squares, index, gradient, rate):
    values[index] -= rate * gradient / np.sqrt(squares[index])
    squares[index] += gradient**2

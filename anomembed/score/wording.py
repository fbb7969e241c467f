"""Tail probabilities as people read them, the same wherever they are shown."""

LEAST_TAIL = 1e-12  # tail probability below which its size means nothing
OFTEN = 0.1  # from which "1 in so many" says less than a percentage


def tail_text(tail: float, *, is_extrapolated: bool = False) -> str:
    """Return a tail probability in short; a star marks an extrapolated one.

    Examples
    --------
    >>> tail_text(0.6), tail_text(0.021), tail_text(5.8e-6, is_extrapolated=True), tail_text(0)
    ('60%', '2.1%', '5.8e-06*', '<1e-12')
    """
    return _short(tail) + "*" * is_extrapolated


def _short(tail: float) -> str:
    if tail < LEAST_TAIL:
        return f"<{LEAST_TAIL:.0e}"
    return f"{tail:.1e}" if tail < 0.01 else f"{tail:.1%}" if tail < OFTEN else f"{tail:.0%}"


def odds(tail: float) -> str:
    """Return a tail probability as one in so many, to two digits.

    Examples
    --------
    >>> odds(0.6), odds(0.00021), odds(0)
    ('60%', '1 in 4,800', 'less than 1 in 1,000,000,000,000')
    """
    if tail >= OFTEN:
        return _short(tail)
    capped = max(tail, LEAST_TAIL)
    return f"{'less than ' * (tail < LEAST_TAIL)}1 in {float(f'{1 / capped:.2g}'):,.0f}"


def in_words(tail: float, unit: str = "records") -> str:
    """Return a tail probability in words; `unit` is what is judged, in the plural.

    Examples
    --------
    >>> in_words(0.6), in_words(0.0002, "sequences")
    ('60% of normal records are at least this abnormal', '1 in 5,000 normal sequences is at least this abnormal')
    """
    if tail >= OFTEN:
        return f"{odds(tail)} of normal {unit} are at least this abnormal"
    return f"{odds(tail)} normal {unit} is at least this abnormal"

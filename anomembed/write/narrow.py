"""Keep whole numbers in as few bytes as they need: most of a model are counts and indices, which take eight each."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
LARGEST = 2**32  # beyond it there is little to be saved


def narrowed(array: Array) -> Array:
    """Return the same numbers as small whole ones, or the array itself where one has a fraction, a sign or is missing.

    `widened` gives back every bit.
    """
    if array.dtype.kind not in "iuf" or not array.size:
        return array
    low, high = array.min(), array.max()
    if not 0 <= low <= high < LARGEST:  # nor where one is NaN
        return array
    whole = array.astype(np.min_scalar_type(int(high)))
    is_same = bool((whole == array).all()) and not np.signbit(array).any()
    return whole if is_same and whole.itemsize < array.itemsize else array


def widened(array: Array, kind: "np.dtype[Any]") -> Array:
    """Return what `narrowed` was given.

    Parameters
    ----------
    array : ndarray
        From `narrowed`.
    kind : dtype
        The type of the numbers before.

    Raises
    ------
    ValueError
        When that is no type of numbers.
    """
    if kind.kind not in "biuf":
        raise ValueError(f"{kind} is no type of numbers")
    with np.errstate(all="ignore"):  # what does not fit is checked afterwards, as all that a store says
        return array.astype(kind, copy=False)

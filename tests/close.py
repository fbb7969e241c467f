"""Many numbers that are to be close to others: `pytest.approx` takes a millisecond for every hundred of them."""

import numpy as np


def assert_close(found, expected, *, rel=1e-6, least=1e-12, about=""):
    """Hold an array against another as `found == pytest.approx(expected, rel=rel, abs=least)` does."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    assert found.shape == expected.shape, about
    with np.errstate(invalid="ignore"):  # of two infinities
        is_near = np.abs(found - expected) <= np.maximum(least, rel * np.abs(expected))
    far = ~(is_near & np.isfinite(expected) | (found == expected))
    assert not far.any(), (about, np.flatnonzero(far)[:5].tolist(), found[far][:5], expected[far][:5])

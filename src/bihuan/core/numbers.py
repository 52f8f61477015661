"""Exact numbers: a verdict never depends on how a float happens to be stored.

Readings are stored as DOUBLE. A verdict uses the shortest decimal text that reads back to the same
stored number, which is what the source printed, and rounds it by GB/T 8170 (half to even).
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]

_WIDE = Context(prec=700)
"""Digits enough for every finite double at every number of places: a device's nonsense rounds like any value."""

_LARGEST = float(2**62)


def exact(value: float | int | str | Decimal) -> Decimal:
    """Return the shortest decimal that reads back to `value`."""
    if isinstance(value, Decimal):
        return value
    # float() because the repr of a NumPy double names its type
    return Decimal(repr(float(value)) if isinstance(value, float) else str(value))


def round_half_even(value: float | str | Decimal, decimals: int = 0) -> Decimal:
    """Round by GB/T 8170: to `decimals` places, a tie goes to the even digit."""
    return exact(value).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN, context=_WIDE)


def round_up(value: Decimal) -> int:
    """Round up to a whole number, as HJ 633 wants it for IAQI."""
    return int(value.to_integral_value(rounding=ROUND_CEILING))


def scaled_half_even(values: Float, decimals: int = 0) -> Int:
    """Round an array half to even and return it times ``10**decimals`` as integers.

    Parameters
    ----------
    values : ndarray of float64, any shape
        Missing is NaN.
    decimals : int
        Places kept.

    Returns
    -------
    ndarray of int64, same shape
        Missing is -1; inputs must not be negative where -1 would be a value. What 64 bits cannot hold ends
        at 2**62.

    Notes
    -----
    Multiplying a double by a power of ten can move it across a tie (1.005 * 100 < 100.5), so every
    value that lies within 1e-6 of a tie (or within the last digits of a large one) is decided again by
    its decimal text.
    """
    shape = np.shape(values)
    given = np.atleast_1d(np.asarray(values, dtype=np.float64))
    missing = ~np.isfinite(given)
    with np.errstate(over="ignore"):
        safe = np.clip(np.where(missing, 0.0, given) * 10.0**decimals, -_LARGEST, _LARGEST)
    result = np.rint(safe).astype(np.int64)
    near_tie = np.abs(safe - np.floor(safe) - 0.5) < np.maximum(1e-6, 4 * np.spacing(np.abs(safe)))
    near_tie |= np.abs(safe) > 2**50  # the product itself lost digits
    for index in zip(*np.nonzero(near_tie & (np.abs(safe) < _LARGEST)), strict=True):
        result[index] = int(round_half_even(float(given[index]), decimals).scaleb(decimals, context=_WIDE))
    result[missing] = -1
    return result.reshape(shape)

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

_EXACT_PRODUCT = float(2**32)
"""Below this the spacing of doubles is far under 1e-6, so that a tie can be told from its neighbours."""


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
    Multiplying a double by a power of ten can move it across a tie (1.005 * 100 < 100.5), so a value
    near a tie is compared with the double of the tie itself: (2k + 1) / (2 * 10**decimals) divides two
    exact integers, so it is the double that prints as the tie, and only that one is a tie. Values so
    large that the product itself loses digits are decided by their decimal text.
    """
    shape = np.shape(values)
    given = np.atleast_1d(np.asarray(values, dtype=np.float64))
    missing = ~np.isfinite(given)
    with np.errstate(over="ignore"):
        scaled = np.clip(np.where(missing, 0.0, given) * 10.0**decimals, -_LARGEST, _LARGEST)
    result = np.rint(scaled).astype(np.int64)
    near = np.nonzero(np.abs(np.abs(scaled - np.rint(scaled)) - 0.5) < 1e-6)
    below = np.floor(scaled[near])
    tie = (2.0 * below + 1.0) / (2.0 * 10.0**decimals)
    even = below + (below % 2.0)
    result[near] = np.where(given[near] < tie, below, np.where(given[near] > tie, below + 1.0, even)).astype(np.int64)
    large = (np.abs(scaled) > _EXACT_PRODUCT) & (np.abs(scaled) < _LARGEST)
    for index in zip(*np.nonzero(large), strict=True):
        result[index] = int(round_half_even(float(given[index]), decimals).scaleb(decimals, context=_WIDE))
    result[missing] = -1
    return result.reshape(shape)


def widened(values: NDArray[np.float32]) -> Float:
    """Return single-precision numbers as the doubles that print the same.

    ``float(np.float32(1.45))`` is 1.4500000476837158; what the source wrote was 1.45. The fewest decimals
    (up to 9) that read back to the same single-precision number are what it wrote.
    """
    single = np.asarray(values, dtype=np.float32)
    wide = single.astype(np.float64)
    open_ = np.nonzero(np.isfinite(wide) & (wide != np.rint(wide)))
    rest = wide[open_]
    for decimals in range(1, 10):
        short = np.rint(rest * 10.0**decimals) / 10.0**decimals
        same = short.astype(np.float32) == single[open_]
        wide[tuple(axis[same] for axis in open_)] = short[same]
        open_ = tuple(axis[~same] for axis in open_)
        rest = rest[~same]
        if not rest.size:
            break
    return wide

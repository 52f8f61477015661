"""NO2 of hourly NOx: what share of a plume's nitrogen oxides is NO2 where people breathe it.

A share is pluggable: `AmbientRatio` (ARM2), `OzoneLimit` (OLM) and `FixedShare` are three; anything with a method
`share` of the same form is another. NOx is counted as NO2, as emissions of it are.

References
----------
M. Podrez, An update to the ambient ratio method for 1-h NO2 air quality standards dispersion modeling, Atmospheric
Environment 103 (2015) 163-170. H. S. Cole and J. E. Summerhays, A review of techniques available for estimating
short-term NO2 concentrations, JAPCA 29 (1979) 812-817. The values of both as AERMOD 24142 uses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError

Float = NDArray[np.float64]

NO2_MASS, O3_MASS = 46.0, 48.0
"""Of a mole. [g]"""

ARM2 = (1.2441, -2.7383e-3, -5.6062e-6, 3.4555e-8, -5.8345e-11, 4.2795e-14, -1.1723e-17)
"""Of NO2 to NOx by powers of NOx in ug/m3, upper envelope of measured hours (Podrez 2015)."""


class NitrogenShare(Protocol):
    """How much of the NOx at a receptor is NO2."""

    def share(self, nox: Float, ozone: Float | None) -> Float:
        """Return NO2 / NOx.

        Parameters
        ----------
        nox : ndarray, shape (hours, sources, receptors)
            What each source causes. [ug/m3 as NO2]
        ozone : ndarray, shape (hours,), optional
            Of the air before the plumes meet it; NaN where missing. [ug/m3]

        Returns
        -------
        ndarray
            Shape of `nox`, or one that spreads to it.
        """
        ...


@dataclass(frozen=True, slots=True)
class FixedShare:
    """The same share everywhere.

    Attributes
    ----------
    value : float
    """

    value: float

    def __post_init__(self) -> None:
        _within("the share of NO2 in NOx", self.value)

    def share(self, nox: Float, ozone: Float | None) -> Float:
        """Return the share, shape (1, 1, 1)."""
        return np.full((1, 1, 1), self.value)


@dataclass(frozen=True, slots=True)
class AmbientRatio:
    """ARM2: the more NOx all sources cause together, the smaller the share that is NO2.

    Attributes
    ----------
    least, most : float
        Between which the share stays.

    Raises
    ------
    InputError
        If one is not in 0-1, or they are the wrong way round.
    """

    least: float = 0.5
    most: float = 0.9

    def __post_init__(self) -> None:
        _within("the least share of NO2 in NOx", self.least)
        _within("the largest share of NO2 in NOx", self.most)
        if self.least > self.most:
            raise InputError(f"least share {self.least} of NO2 in NOx is above the largest, {self.most}")

    def share(self, nox: Float, ozone: Float | None) -> Float:
        """Return the share, shape (hours, 1, receptors); ozone is not needed."""
        total = nox.sum(axis=1, keepdims=True)
        found: Float = np.clip(np.polynomial.polynomial.polyval(total, ARM2), self.least, self.most)
        return found


@dataclass(frozen=True, slots=True)
class OzoneLimit:
    """OLM: NO of a plume turns to NO2 as far as the hour's ozone goes, one molecule for one.

    Attributes
    ----------
    in_stack : float or sequence of float
        Share of NO2 in what is emitted, one for all sources or one each.
    equilibrium : float
        Largest share that light leaves as NO2.
    together : sequence of int, optional
        Sources of one number above 0 share the ozone, as a merged plume does; 0 has all of it for itself. By default
        every source is its own.
    without_ozone : {"refuse", "equilibrium"}
        What to do in an hour whose ozone is missing: refuse it, or take the largest share (as AERMOD does).

    Raises
    ------
    InputError
        If a share is not in 0-1.
    """

    in_stack: float | Sequence[float] = 0.5
    equilibrium: float = 0.9
    together: Sequence[int] = ()
    without_ozone: str = "refuse"

    def __post_init__(self) -> None:
        _within("the largest share of NO2 in NOx", self.equilibrium)
        for value in np.atleast_1d(np.asarray(self.in_stack, dtype=np.float64)):
            _within("the share of NO2 in emitted NOx", float(value))
        if self.without_ozone not in ("refuse", "equilibrium"):
            raise InputError(f"without_ozone is {self.without_ozone!r}: it must be 'refuse' or 'equilibrium'")

    def share(self, nox: Float, ozone: Float | None) -> Float:
        """Return the share, shape (hours, sources, receptors).

        Raises
        ------
        InputError
            If there is no ozone in an hour with NOx, or the stacks are not as many as the sources.
        """
        limit = self._limit(nox, ozone)
        emitted = self._emitted(nox)
        merged, emitted_no2 = _merged(nox, self._together(nox)), _merged(nox * emitted, self._together(nox))
        # moles of NO that the ozone can turn, as ug/m3 of NO2
        turned = np.minimum(merged - emitted_no2, limit[:, None, None] * NO2_MASS / O3_MASS)
        no2 = emitted_no2 + turned
        share = np.divide(no2, merged, out=np.full_like(no2, self.equilibrium), where=merged > 0.0)
        return np.minimum(share, self.equilibrium)

    def _limit(self, nox: Float, ozone: Float | None) -> Float:
        given = np.full(len(nox), np.nan) if ozone is None else np.asarray(ozone, dtype=np.float64)
        if given.shape != (len(nox),):
            raise InputError(f"ozone of {given.size} hours for NOx of {len(nox)}: give one value an hour")
        if (given < 0.0).any():
            hour = int(np.argmax(given < 0.0))
            raise InputError(f"ozone of hour {hour} is {given[hour]} ug/m3: it must not be below 0")
        lacking = np.isnan(given) & (nox > 0.0).any(axis=(1, 2))
        if lacking.any() and self.without_ozone == "refuse":
            raise InputError(
                f"ozone is missing in {int(lacking.sum())} of {len(nox)} hours, first in hour {int(np.argmax(lacking))}"
                " (counted from 0): fill it, or allow the largest share there with without_ozone='equilibrium'"
            )
        return np.where(np.isnan(given), np.inf, given)

    def _emitted(self, nox: Float) -> Float:
        given = np.atleast_1d(np.asarray(self.in_stack, dtype=np.float64))
        if len(given) not in (1, nox.shape[1]):
            raise InputError(f"{len(given)} shares of NO2 in emitted NOx for {nox.shape[1]} sources: give one each")
        return given[None, :, None]

    def _together(self, nox: Float) -> NDArray[np.int64]:
        given = np.asarray(self.together if len(self.together) else [0] * nox.shape[1], dtype=np.int64)
        if len(given) != nox.shape[1]:
            raise InputError(f"{len(given)} numbers of merged plumes for {nox.shape[1]} sources: give one each")
        return given


def nitrogen_dioxide(
    nox: Float, share: NitrogenShare, *, ozone: Float | None = None, groups: Float | None = None
) -> Float:
    """Return NO2 of groups of sources in each hour, without what the air brought along.

    Parameters
    ----------
    nox : ndarray, shape (hours, sources, receptors)
        What each source causes, all that are to react together: `SteadyPlume.hourly(rates, groups=numpy.eye(sources))`.
        [ug/m3 as NO2]
    share : NitrogenShare
        `AmbientRatio`, `OzoneLimit`, `FixedShare`, or another.
    ozone : ndarray, shape (hours,), optional
        NaN where missing. [ug/m3]
    groups : ndarray, shape (groups, sources), optional
        1 where a source belongs to a group; one group of all by default.

    Returns
    -------
    ndarray, shape (hours, groups, receptors)
        [ug/m3]

    Raises
    ------
    InputError
        If `nox` has not three axes, or `share` lacks what it needs.
    """
    if nox.ndim != 3:
        raise InputError(f"NOx has {nox.ndim} axes: give (hours, sources, receptors)")
    members = np.ones((1, nox.shape[1])) if groups is None else np.asarray(groups, dtype=np.float64)
    found: Float = np.einsum("gs,hsr->hgr", members, nox * share.share(nox, ozone))
    return found


def _merged(values: Float, together: NDArray[np.int64]) -> Float:
    """For every source the sum over those it is merged with."""
    found = values.copy()
    for number in np.unique(together[together > 0]):
        here = together == number
        found[:, here] = values[:, here].sum(axis=1, keepdims=True)
    return found


def _within(what: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise InputError(f"{what} is {value}: it must be in 0-1")

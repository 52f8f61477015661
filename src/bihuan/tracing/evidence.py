"""What stands behind a probability: the doubts, the hours that speak, the rate with its interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bihuan.core import Language, Period, Suspect, Weather, text
from bihuan.tracing.scene import Scene

Float = NDArray[np.float64]

CALM = 0.7
"""A mean wind below this carries nothing in a known direction. [m/s]"""
NINE_TENTHS = 1.2816
"""90 % point of the normal distribution."""
DIRECTIONS = ("n", "ne", "e", "se", "s", "sw", "w", "nw")


def doubt_of(scene: Scene, weather: Weather) -> str:
    """Return why no source can be named, a key of ``texts`` under ``[tracing]``, or nothing."""
    late = slice(scene.onset, None)
    if np.isfinite(scene.excess[:, late]).any(axis=1).sum() < 3:
        return "few_stations"
    if np.isfinite(scene.excess[scene.subject, late]).mean() < 0.5:
        return "gaps"
    known = np.isfinite(weather.wind_speed)
    if known.mean() < 0.5:
        return "no_wind"
    # The wind that carries is the vector mean; a light wind from everywhere carries nothing either.
    if np.median(weather.wind_speed[known]) < CALM:
        return "calm"
    rise = scene.excess[:, late] / scene.noise[:, late]
    common = min(scene.common_share, scene.rising_share)
    if np.nanmax(rise) < 1.0 and common < 0.5:
        return "flat"
    return ""


def speaking_blocks(scene: Scene, computed: Float) -> NDArray[np.int64]:
    """Return the blocks in which a station saw much of what was computed there.

    Parameters
    ----------
    scene : Scene
    computed : ndarray, shape (blocks, stations)
        Concentration from the source at its most likely rate.
    """
    seen = (scene.noise < computed.T) & (scene.excess > scene.noise) & (scene.excess > 0.25 * computed.T)
    late = np.arange(len(scene.start)) >= max(scene.onset - 2, 0)
    return np.flatnonzero(seen.any(axis=0) & late)


def periods_of(scene: Scene, blocks: NDArray[np.int64]) -> tuple[Period, ...]:
    """Join neighbouring blocks to periods."""
    if not len(blocks):
        return ()
    groups = np.split(blocks, np.flatnonzero(np.diff(blocks) > 1) + 1)
    return tuple(scene.period(int(group[0]), int(group[-1])) for group in groups)


def rate_interval(log_chance: Float, rates: Float, error: float) -> tuple[float, float, float]:
    """Return the 10 %, 50 % and 90 % point of a rate given on a grid. [g/s]

    Parameters
    ----------
    log_chance, rates : ndarray, shape (rates,)
    error : float
        Further error of the logarithm; widens the interval as variances add.
    """
    chance = np.exp(log_chance - log_chance.max())
    # Each rate of the grid stands for its cell, so that one sharp rate keeps the width of its cell.
    reach = np.log(rates)
    edges = np.concatenate(
        [[1.5 * reach[0] - 0.5 * reach[1]], (reach[1:] + reach[:-1]) / 2, [1.5 * reach[-1] - 0.5 * reach[-2]]]
    )
    below = np.concatenate([[0.0], np.cumsum(chance) / chance.sum()])
    low, middle, high = np.interp([0.1, 0.5, 0.9], below, edges)
    down, up = np.hypot(middle - low, NINE_TENTHS * error), np.hypot(high - middle, NINE_TENTHS * error)
    return float(np.exp(middle - down)), float(np.exp(middle)), float(np.exp(middle + up))


def mean_direction(wind_from: Float) -> float | None:
    """Return the vector mean of directions, None where there is none. [degrees]"""
    angles = np.radians(wind_from[np.isfinite(wind_from)])
    if not len(angles):
        return None
    return float(np.degrees(np.arctan2(np.sin(angles).mean(), np.cos(angles).mean())) % 360)


def odds(probability: float) -> str:
    """Return an estimated probability as people may read it: an estimate is never printed as 0 % or 100 %.

    Returns
    -------
    str
        A whole number of per cent, ``<1`` or ``>99``.
    """
    percent = 100 * probability
    if percent < 1:
        return "<1"
    return ">99" if percent > 99 else f"{percent:.0f}"


def explain_suspect(suspect: Suspect, language: Language = "zh") -> str:
    """Say in one or two sentences what speaks for a suspect: odds, distance, hours and wind, rate.

    Returns
    -------
    str
        Without hours that speak for it, the sentence says so.
    """
    values: dict[str, object] = {
        "name": suspect.name,
        "percent": odds(suspect.probability),
        "kilometres": "" if suspect.distance is None else f"{suspect.distance / 1000:.1f}",
    }
    parts = [text("tracing.suspect" if suspect.distance is not None else "tracing.suspect_only", language, **values)]
    if suspect.hours and suspect.wind_from is not None:
        minutes = sum(hours.length.total_seconds() for hours in suspect.hours) / 60
        name = text(f"tracing.{DIRECTIONS[round(suspect.wind_from / 45) % 8]}", language)
        parts.append(
            text("tracing.wind", language, direction=name, degrees=f"{suspect.wind_from:.0f}", minutes=f"{minutes:.0f}")
        )
    else:
        parts.append(text("tracing.no_hours", language))
    if suspect.rate is not None and suspect.hours:
        rates = {"rate": suspect.rate, "low": suspect.rate_low, "high": suspect.rate_high}
        parts.append(text("tracing.rate", language, **{name: f"{value:.2g}" for name, value in rates.items()}))
    return "".join(parts) if language == "zh" else " ".join(parts)

"""What speaks against a suspect: it should have been felt and was not, or its plume lay elsewhere during the rise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bihuan.core import ForwardModel, Period, Source, Weather
from bihuan.tracing.evidence import periods_of
from bihuan.tracing.scene import Scene
from bihuan.tracing.settings import TraceSettings

Float = NDArray[np.float64]

CLEAR = 2.0
"""So many times the scatter of the background stands out."""

LITTLE = 0.25
"""A measured rise below this share of the computed one was not felt; a computed one below it explains nothing."""


ODDS = np.array([0.25, 0.5, 0.25])
"""Of a wind one standard deviation to the left, as measured, and to the right."""


@dataclass(frozen=True, slots=True)
class Against:
    """Hours that speak against a source.

    Attributes
    ----------
    unseen : tuple of Period
        Its plume, mean over the wind's usual error, would clearly have been felt at a station, and was not.
    unseen_at : tuple of str
        At which stations, the one with the most such hours first.
    unexplained : tuple of Period
        The station of the event stood out while the plume lay elsewhere, even with the wind turned by its usual error.
    """

    unseen: tuple[Period, ...] = ()
    unseen_at: tuple[str, ...] = ()
    unexplained: tuple[Period, ...] = ()


def against(
    scene: Scene,
    weather: Weather,
    model: ForwardModel,
    source: Source,
    rate: float,
    settings: TraceSettings | None = None,
) -> Against:
    """Return the hours of an event that speak against a source.

    Parameters
    ----------
    scene : Scene
    weather : Weather
        Of its blocks.
    model : ForwardModel
    source : Source
    rate : float
        That explains the rise, in the unit of the scene per unit response: g/s for ug/m3, g/s x 1e-3 for mg/m3.
    settings : TraceSettings, optional
        Its `direction_sd` is the error of the wind that is allowed for.

    Notes
    -----
    The wind is turned by minus, no and plus one standard deviation. "Not felt" asks the mean of the three (a quarter, a
    half, a quarter) to be clear: a single hour may still have been missed, many hardly. "Not explained" asks the
    strongest of the three to be little.
    """
    turn = (settings or TraceSettings()).direction_sd
    computed = np.stack([_computed(scene, weather, model, source, by) * rate for by in (-turn, 0.0, turn)])
    usual, most = np.tensordot(ODDS, computed, 1).T, computed.max(axis=0).T
    late = np.arange(len(scene.start)) >= scene.onset
    with np.errstate(invalid="ignore"):
        missed = np.isfinite(scene.excess) & (usual > CLEAR * scene.noise) & (scene.excess < LITTLE * usual) & late
        own, noise = scene.excess[scene.subject], scene.noise[scene.subject]
        reached = most[scene.subject] >= LITTLE * own
        alone = (own > CLEAR * noise) & np.isfinite(most[scene.subject]) & ~reached & late
    counts = missed.sum(axis=1)
    order = [k for k in np.argsort(-counts, kind="stable") if counts[k]]
    return Against(
        periods_of(scene, np.flatnonzero(missed.any(axis=0))),
        tuple(scene.sites[k] for k in order),
        periods_of(scene, np.flatnonzero(alone)),
    )


def _computed(scene: Scene, weather: Weather, model: ForwardModel, source: Source, turn: float) -> Float:
    """Unit response with the wind turned, shape (blocks, stations); NaN without wind."""
    turned = replace(weather, wind_from=(weather.wind_from + turn) % 360)
    found: Float = model.unit_response([source], scene.east, scene.north, turned)[:, :, 0].copy()
    found[~np.isfinite(weather.wind_speed)] = np.nan
    return found

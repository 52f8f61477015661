"""What the tracer assumes before it sees a measurement."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bihuan.core import SettingError


@dataclass(frozen=True, slots=True)
class TraceSettings:
    """Assumptions of `PlumeTracer`; none names a city, a source or a kind of incident.

    Attributes
    ----------
    before : float
        Looked at before the onset, for the background. [h]
    longest : float
        Looked at from the onset on, at most; the latest part of a longer event. [h]
    block : float
        Shorter periods are averaged to this. [min]
    memory : float
        Time over which errors of background and model stay alike: evidence counts once in it. [min]
    shared : float
        Part of those errors that stays through the whole event, a correlation: evidence of n looks counts as
        n / (1 + (n - 1) x shared). 0-1
    reach : float
        A station this far from the one of the event counts half, and less further off: its rise may have
        another story. [m]
    map_memory : float
        `memory` for the map of a source outside the list; there nothing is shared. [min]
    direction_sd, direction_memory : float
        Error of the wind direction at a plume, and how long it lasts. [degrees], [h]
    direction_step : float
        Spacing of the directions tried; half of it blurs each plume. [degrees]
    model_error : float
        Error of a computed concentration as a share of it.
    rate_factor, rate_spread : float
        Prior of the additional emission: lognormal around `rate_factor` x reported, sd of its logarithm.
    rate_error : float
        Error of a rate that no measurement shows, as of a wind too fast: sd of its logarithm.
    blunder : float
        Chance that the computation is wrong in a way it does not know: so much of the odds stays with the prior.
    hidden_rate_spread : float
        The same spread for a source nobody reported.
    usual_rate : float
        Taken where no candidate reports the pollutant. [g/s]
    unreported : float
        Weight of a candidate that does not report the pollutant, against one that does.
    emission_exponent : float
        A candidate's prior grows with its reported emission to this power.
    hidden_share, regional_share : float
        Prior of 清单外来源, and of nothing but background where the city does not rise as one.
    regional_most : float
        Prior of 区域传输 where the whole rise is common to all stations.
    listed : int
        Candidates named in the answer, at most.
    """

    before: float = 3.0
    longest: float = 6.0
    block: float = 15.0
    memory: float = 15.0
    shared: float = 0.2
    map_memory: float = 20.0
    reach: float = 6000.0
    direction_sd: float = 18.0
    direction_memory: float = 3.0
    direction_step: float = 10.0
    model_error: float = 0.9
    rate_factor: float = 3.0
    rate_spread: float = 2.0
    rate_error: float = 0.6
    blunder: float = 0.04
    hidden_rate_spread: float = 2.0
    usual_rate: float = 2.0
    unreported: float = 0.05
    emission_exponent: float = 0.15
    hidden_share: float = 0.12
    regional_share: float = 0.08
    regional_most: float = 0.9
    listed: int = 30

    def __post_init__(self) -> None:
        for name in TraceSettings.__slots__:
            value = getattr(self, name)
            if not (math.isfinite(value) and (value > 0 or (name == "shared" and value == 0))):
                raise SettingError(f"tracing setting {name}={value}: it must be a number above 0")
        for name in ("shared", "blunder", "unreported", "hidden_share", "regional_share", "regional_most"):
            if getattr(self, name) >= 1:
                raise SettingError(f"tracing setting {name}={getattr(self, name)}: a share lies between 0 and 1")
        if self.hidden_share + self.regional_share >= 1:
            raise SettingError("tracing settings hidden_share and regional_share leave nothing for the listed sources")

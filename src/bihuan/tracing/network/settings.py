"""What the design of a network assumes: what an incident is, what a monitor can see, what telling apart means."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from bihuan.core import SettingError, pollutant


@dataclass(frozen=True, slots=True)
class MonitorKind:
    """What a kind of monitor can see, and what one costs.

    Attributes
    ----------
    name : str
        As in the register: ``national provincial city township micro dust``.
    noise : mapping of str to float
        Standard deviation of an hourly value against its network where no incident is, by pollutant it measures.
        [ug/m3, CO mg/m3]
    cost, yearly : float or None
        To buy, and to run for a year, as the user told. [CNY]
    """

    name: str
    noise: Mapping[str, float] = field(default_factory=dict)
    cost: float | None = None
    yearly: float | None = None

    def __post_init__(self) -> None:
        for code, value in self.noise.items():
            pollutant(code)
            if not (math.isfinite(value) and value > 0):
                raise SettingError(f"noise of {code} at a {self.name} station is {value}: it must be above 0")
        for what in (self.cost, self.yearly):
            if what is not None and not (math.isfinite(what) and what >= 0):
                raise SettingError(f"a {self.name} station costs {what} CNY: give 0 or more, or leave it out")


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """Assumptions of a design; none names a city or a source.

    Attributes
    ----------
    surplus : float
        What a source puts out on top in an incident, as a multiple of what it reports.
    clear : float
        A rise is seen from so many standard deviations of the noise on.
    apart : float
        A monitor tells two sources apart in an hour when the one's rise there is clear and at least so many times the
        other's: no likely rate of the other would look the same.
    rivals : int
        Sources with which each is compared: the nearest.
    told_apart : float
        Weight of telling apart in the objective, the rest is that of being found. 0-1
    unlisted : float
        Weight of sources that stand in no list, spread evenly over the city. 0-1
    emission_exponent : float
        A source's weight grows with its reported emission to this power.
    """

    surplus: float = 3.0
    clear: float = 3.0
    apart: float = 4.0
    rivals: int = 6
    told_apart: float = 0.5
    unlisted: float = 0.12
    emission_exponent: float = 0.15

    def __post_init__(self) -> None:
        for name in ("surplus", "clear", "rivals"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise SettingError(f"network setting {name}={value}: it must be a number above 0")
        if not (math.isfinite(self.apart) and self.apart > 1):
            raise SettingError(f"network setting apart={self.apart}: it must be above 1, else nothing looks different")
        for name in ("told_apart", "unlisted"):
            if not 0 <= getattr(self, name) < 1:
                raise SettingError(f"network setting {name}={getattr(self, name)}: a weight lies from 0 to below 1")
        if not 0 <= self.emission_exponent <= 1:
            raise SettingError(f"network setting emission_exponent={self.emission_exponent}: it lies from 0 to 1")

"""How much soil, dust, air and water a person takes in for every kilogram of body and day (HJ 25.3 annex A)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bihuan.assessment.soil_model import Named, Values

Effect = Literal["ca", "nc"]
"""Carcinogenic, or not."""

_MILLI_TO_KILO = 1e-6
"""mg in kg."""

_SKIN, _HEIGHT_POWER, _WEIGHT_POWER = 239.0, 0.417, 0.517
"""Skin area [cm2] of a body: 239 H^0.417 BW^0.517, height in cm and weight in kg."""


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """Intake over the averaging time of an effect.

    Attributes
    ----------
    swallowed, skin, dust : ndarray
        Soil by mouth (OISER), on the skin before absorption (DCSER without ABSd) and as particles (PISER).
        [kg soil / kg body / d]
    outdoor_air, indoor_air : ndarray
        Air breathed outdoors and indoors: times a concentration in air it is IOVER and IIVER. [m3 / kg body / d]
    water : ndarray
        Groundwater drunk (CGWER). [L / kg body / d]
    """

    swallowed: Values
    skin: Values
    dust: Values
    outdoor_air: Values
    indoor_air: Values
    water: Values


def exposure(parameters: Named, effect: Effect) -> Exposure:
    """Return the intake by every route.

    Parameters
    ----------
    parameters : mapping of str to ndarray
        Of one class of land. Where children are named (class 1) they count beside adults for carcinogenic effects and
        alone for the others; elsewhere adults count.
    effect : {"ca", "nc"}
    """
    people = tuple(_people(parameters, effect))
    days = parameters[f"averaging_{effect}"]
    return Exposure(
        swallowed=_sum(_swallowed(parameters, who) for who in people) / days,
        skin=_sum(_skin(parameters, who) for who in people) / days,
        dust=_sum(_dust(parameters, who) for who in people) / days,
        outdoor_air=_sum(_breathed(parameters, who, "outdoor") for who in people) / days,
        indoor_air=_sum(_breathed(parameters, who, "indoor") for who in people) / days,
        water=_sum(_drunk(parameters, who) for who in people) / days,
    )


def _people(parameters: Named, effect: Effect) -> Iterator[str]:
    children = "frequency_child" in parameters
    if children:
        yield "child"
    if effect == "ca" or not children:
        yield "adult"


def _sum(parts: Iterator[Values]) -> Values:
    total = next(parts)
    for part in parts:
        total = total + part
    return total


def _years_per_kilogram(p: Named, who: str) -> Values:
    return p[f"duration_{who}"] / p[f"weight_{who}"]


def _swallowed(p: Named, who: str) -> Values:
    daily = p[f"soil_{who}"] * p[f"frequency_{who}"] * p["oral_absorption"] * _MILLI_TO_KILO
    return daily * _years_per_kilogram(p, who)


def _skin(p: Named, who: str) -> Values:
    area = _SKIN * p[f"height_{who}"] ** _HEIGHT_POWER * p[f"weight_{who}"] ** _WEIGHT_POWER * p[f"skin_{who}"]
    daily = area * p[f"adherence_{who}"] * p[f"frequency_{who}"] * p["contacts"] * _MILLI_TO_KILO
    return daily * _years_per_kilogram(p, who)


def _dust(p: Named, who: str) -> Values:
    days = p["dust_outdoor"] * p[f"outdoor_{who}"] + p["dust_indoor"] * p[f"indoor_{who}"]
    return p["particles"] * p[f"air_{who}"] * p["retention"] * days * _MILLI_TO_KILO * _years_per_kilogram(p, who)


def _breathed(p: Named, who: str, where: str) -> Values:
    return p[f"air_{who}"] * p[f"{where}_{who}"] * _years_per_kilogram(p, who)


def _drunk(p: Named, who: str) -> Values:
    return p[f"water_{who}"] * p[f"frequency_{who}"] * _years_per_kilogram(p, who)

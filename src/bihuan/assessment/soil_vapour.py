"""Vapour from soil and groundwater into air, and the most a soil can hold (HJ 25.3 annexes C and E).

Outdoors a box over the source, indoors the model of Johnson and Ettinger (1991). Published comparisons find that it
over- and under-predicts, and that a smell can stay below its values; the words of every result say so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bihuan.assessment.soil_model import Named, Values

_SECONDS_A_YEAR = 31_536_000.0
_SECONDS_A_DAY = 86_400.0
_LITRES = 1e3
"""g/cm3 to kg/m3, and mg/L to mg/m3."""

_MILLINGTON = 3.33
"""Millington and Quirk's 10/3, as the text prints it."""

_CARBON = 1700.0
"""Organic matter [g/kg] over organic carbon [1]: 1.7 times 1000."""

_VISCOSITY = 1.81e-4
"""Of air. [g/cm/s]"""


@dataclass(frozen=True, slots=True, eq=False)
class Pores:
    """Shares of the soil's volume. [1]"""

    all: Values
    water: Values
    air: Values


@dataclass(frozen=True, slots=True, eq=False)
class VapourFactors:
    """Concentration in air for every unit in soil or groundwater.

    Attributes
    ----------
    surface_outdoor, subsurface_outdoor, subsurface_indoor : ndarray
        VFsuroa, VFsuboa, VFsubia. [kg/m3]
    groundwater_outdoor, groundwater_indoor : ndarray
        VFgwoa, VFgwia. No published value tests them. [L/m3]
    saturation : ndarray
        Most that pores, water and organic carbon hold: Csat; NaN without a solubility. [mg/kg]
    """

    surface_outdoor: Values
    subsurface_outdoor: Values
    subsurface_indoor: Values
    groundwater_outdoor: Values
    groundwater_indoor: Values
    saturation: Values


def pores(parameters: Named) -> Pores:
    """Return what share of the soil is pore, water and air; a soil wetter than its pores has no air."""
    share = 1 - parameters["bulk_density"] / parameters["grain_density"]
    water = parameters["bulk_density"] * parameters["water_content"] / parameters["water_density"]
    return Pores(share, np.minimum(water, share), np.maximum(share - water, 0.0))


def diffusion(substance: Named, air: Values, water: Values, share: Values) -> Values:
    """Return the effective diffusion through pores filled with air and water. [cm2/s]"""
    through_air = substance["diffusion_air"] * (air**_MILLINGTON / share**2)
    return through_air + substance["diffusion_water"] * (water**_MILLINGTON / share**2) / substance["henry"]


def vapour_factors(parameters: Named, substance: Named) -> VapourFactors:
    """Return how soil and groundwater pass into air.

    Parameters
    ----------
    parameters : mapping of str to ndarray
        Of one class of land.
    substance : mapping of str to ndarray
        Properties; NaN gives NaN.
    """
    p, filled = parameters, pores(parameters)
    henry = substance["henry"]
    sorbed = substance["koc"] * p["organic_matter"] / _CARBON
    held = (filled.water + sorbed * p["bulk_density"] + henry * filled.air) / p["bulk_density"]
    through = diffusion(substance, filled.air, filled.water, filled.all)
    cracks = diffusion(substance, p["crack_air"], p["crack_water"], filled.all)
    mixing = p["wind"] * p["source_width"] * p["mixing_height"] / p["source_area"]
    rooms = p["room_height"] * p["air_exchange"] / _SECONDS_A_DAY
    lasting = p["intrusion_years"] * _SECONDS_A_YEAR
    all_there = p["subsurface_thickness"] * p["bulk_density"] / lasting
    rising = _rising(p, substance, filled, through)
    into_rooms = _into_rooms(p, through, cracks, rooms, p["depth"])
    return VapourFactors(
        surface_outdoor=_surface(p, henry, held, through, mixing, lasting),
        subsurface_outdoor=_LITRES * np.minimum(henry / held / (1 + mixing * p["depth"] / through), all_there / mixing),
        subsurface_indoor=_LITRES * np.minimum(henry / held * into_rooms, all_there / rooms),
        groundwater_outdoor=_LITRES * henry / (1 + mixing * p["groundwater_depth"] / rising),
        groundwater_indoor=_LITRES * henry * _into_rooms(p, rising, cracks, rooms, p["groundwater_depth"]),
        saturation=substance["solubility"] * held,
    )


def _surface(p: Named, henry: Values, held: Values, through: Values, mixing: Values, lasting: Values) -> Values:
    """Evaporation from an open surface over the years of intrusion, and no more than is there."""
    density = p["bulk_density"]
    falling = density / mixing * np.sqrt(4 * through * henry / (np.pi * lasting * held * density))
    return _LITRES * np.minimum(falling, p["surface_thickness"] * density / (mixing * lasting))


def _rising(p: Named, substance: Named, filled: Pores, through: Values) -> Values:
    """Diffusion from groundwater through the capillary fringe and the soil above it, in series."""
    fringe = diffusion(substance, p["capillary_air"], p["capillary_water"], filled.all)
    way = p["capillary_thickness"] / fringe + p["vadose_thickness"] / through
    return p["groundwater_depth"] / way


def _into_rooms(p: Named, through: Values, cracks: Values, rooms: Values, way: Values) -> Values:
    """Share of the vapour at the source that stands in the room's air (Johnson and Ettinger).

    Without a pressure difference only diffusion carries it; that limit is the case the published values use.
    """
    diffused = through / (rooms * way)
    behind_slab = through * p["slab_thickness"] / (cracks * way * p["crack_share"])
    still = diffused / (1 + diffused + behind_slab)
    if not np.any(p["pressure_difference"]):
        return still
    flow = _soil_gas(p)
    peclet = flow * p["slab_thickness"] / (p["floor_area"] * cracks * p["crack_share"])
    # exp(-peclet) in place of exp(peclet): the same ratio, and it cannot overflow
    left = np.exp(-peclet)
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = diffused / (1 + diffused * left + through * p["floor_area"] / (flow * way) * (1 - left))
    return np.where(flow > 0, drawn, still)


def _soil_gas(p: Named) -> Values:
    """Soil gas drawn through the cracks by the pressure difference. [cm3/s]"""
    radius = p["floor_area"] * p["crack_share"] / p["floor_perimeter"]
    spread = np.log(2 * p["slab_depth"] / radius)
    return 2 * np.pi * p["pressure_difference"] * p["permeability"] * p["floor_perimeter"] / (_VISCOSITY * spread)

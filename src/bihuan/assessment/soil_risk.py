"""Risk of contaminated soil to people, and the concentration at which it becomes unacceptable (HJ 25.3).

What comes out is a *recomputed value*. It is not a limit, it carries no legal effect, and no verdict is made from it:
the limits are those of GB 36600 (`judge_soil`). It says where the limits come from, and what a site's own soil changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.assessment.soil_exposure import Effect, exposure
from bihuan.assessment.soil_model import LandClass, Named, SoilModel, Values
from bihuan.assessment.soil_vapour import VapourFactors, vapour_factors
from bihuan.core import InputError, Status

METHOD = "hj_25_3/1"

SOIL_ROUTES = (
    "swallowed",
    "skin",
    "dust",
    "surface_vapour_outdoor",
    "subsurface_vapour_outdoor",
    "subsurface_vapour_indoor",
)
"""OISER, DCSER, PISER, IOVER1, IOVER2, IIVER1."""

SURFACE_ROUTES = SOIL_ROUTES[:4]
"""Of the soil at the surface; the others of the soil below it."""

WATER_ROUTES = ("groundwater_vapour_outdoor", "groundwater_vapour_indoor", "groundwater_drunk")
"""IOVER3, IIVER2, CGWER: computed by formula, tested by no published value."""

_PER_MILLIGRAM = 1e3
"""1/(ug/m3) to 1/(mg/m3)."""


@dataclass(frozen=True, slots=True, eq=False)
class RouteRisks:
    """Risk of one milligram per kilogram of soil, or per litre of groundwater, by route.

    Attributes
    ----------
    carcinogenic, hazard : mapping of str to ndarray
        Excess risk, and share of the dose left to soil. [1/(mg/kg), of groundwater 1/(mg/L)]
    saturation : ndarray
        Csat. [mg/kg]
    """

    carcinogenic: Named
    hazard: Named
    saturation: Values


@dataclass(frozen=True, slots=True, eq=False)
class Recomputed:
    """What the model gives for one class of land. Never a limit: GB 36600 holds the limits.

    Attributes
    ----------
    edition : str
    status : Status
    land : LandClass
    items : tuple of str
    by_risk, by_hazard : ndarray, shape (n,) or (draws, n)
        RCVS and HCVS: concentration at the acceptable risk and the acceptable hazard; NaN without toxicity. [mg/kg]
    saturation : ndarray
        Csat, above which the model's assumptions fail; NaN where no solubility is held. [mg/kg]
    value : ndarray
        The least of the three. [mg/kg]
    water_by_risk, water_by_hazard : ndarray
        The same for groundwater (RCVG, HCVG): by formula, not tested. [mg/L]
    """

    edition: str
    status: Status
    land: LandClass
    items: tuple[str, ...]
    by_risk: Values
    by_hazard: Values
    saturation: Values
    value: Values
    water_by_risk: Values
    water_by_hazard: Values

    @property
    def driver(self) -> tuple[str, ...]:
        """Return what decides each value: ``risk``, ``hazard``, ``saturation``, or empty without a value."""
        names = np.array(["risk", "hazard", "saturation", ""])
        parts = np.stack([self.by_risk, self.by_hazard, self.saturation])
        filled = np.where(np.isnan(parts), np.inf, parts)
        place = np.where(np.isinf(filled).all(axis=0), 3, np.argmin(filled, axis=0))
        return tuple(str(name) for name in names[place])

    def table(self) -> pl.DataFrame:
        """Return one row a substance: the three recomputed values, the least of them, and what decides it. [mg/kg]

        Raises
        ------
        InputError
            If it holds draws: `quantiles` of an `Uncertainty` tells of them.
        """
        if self.value.ndim != 1:
            raise InputError("these are draws, one row each: ask the Uncertainty for its quantiles")
        return pl.DataFrame(
            {
                "item": self.items,
                "land_use": self.land,
                "recomputed_by_risk": self.by_risk,
                "recomputed_by_hazard": self.by_hazard,
                "saturation": self.saturation,
                "recomputed_value": self.value,
                "driver": self.driver,
                "edition": self.edition,
                "status": self.status,
                "method": METHOD,
            }
        ).with_columns(pl.selectors.float().fill_nan(None))


def route_risks(model: SoilModel, land: LandClass) -> RouteRisks:
    """Return the risk of one unit of every substance by every route on a class of land."""
    p = model.parameters[land]
    factors = _vapour(model, land)
    risks = {effect: _routes(model, p, factors, effect) for effect in ("ca", "nc")}
    return RouteRisks(MappingProxyType(risks["ca"]), MappingProxyType(risks["nc"]), factors.saturation)


def recompute(model: SoilModel, land: LandClass) -> Recomputed:
    """Return the concentration at which each substance reaches the acceptable risk or hazard: RCVS, HCVS, Csat.

    Parameters
    ----------
    model : SoilModel
    land : LandClass
    """
    p = model.parameters[land]
    routes = route_risks(model, land)
    by_risk = _at(p["acceptable_risk"], [routes.carcinogenic[name] for name in SOIL_ROUTES])
    by_hazard = _at(p["acceptable_hazard"], [routes.hazard[name] for name in SOIL_ROUTES])
    parts = np.broadcast_arrays(by_risk, by_hazard, routes.saturation)
    return Recomputed(
        edition=model.edition,
        status=model.status,
        land=land,
        items=model.items,
        by_risk=parts[0],
        by_hazard=parts[1],
        saturation=parts[2],
        value=np.fmin(np.fmin(parts[0], parts[1]), parts[2]),
        water_by_risk=_at(p["acceptable_risk"], [routes.carcinogenic[name] for name in WATER_ROUTES]),
        water_by_hazard=_at(p["acceptable_hazard"], [routes.hazard[name] for name in WATER_ROUTES]),
    )


def site_risk(
    model: SoilModel,
    land: LandClass,
    surface: Mapping[str, float],
    subsurface: Mapping[str, float] | None = None,
) -> pl.DataFrame:
    """Return risk and hazard of measured soil, by substance and route.

    Parameters
    ----------
    model : SoilModel
    land : LandClass
    surface : mapping of str to float
        Concentration by substance in the soil at the surface. [mg/kg dry weight]
    subsurface : mapping of str to float, optional
        In the soil below, which feeds two vapour routes; the same as at the surface when left out.

    Returns
    -------
    DataFrame
        ``item surface subsurface saturation above_saturation carcinogenic_risk hazard_quotient main_route``, then
        ``risk_<route>`` and ``hazard_<route>``. Null where no toxicity is held: that is not zero.

    Raises
    ------
    InputError
        If a concentration is negative or no number.
    NotCovered
        If no toxicity is held for a substance.
    """
    below = surface if subsurface is None else subsurface
    for item, value in (*surface.items(), *below.items()):
        if not (np.isfinite(value) and value >= 0):
            raise InputError(f"{item}: a concentration of {value} mg/kg cannot be: it is 0 or more")
    mine = model.only(dict.fromkeys([*surface, *below]))
    top = np.array([surface.get(item, np.nan) for item in mine.items])
    deep = np.array([below.get(item, np.nan) for item in mine.items])
    routes = route_risks(mine, land)
    columns: dict[str, Values] = {}
    for name in SOIL_ROUTES:
        amount = top if name in SURFACE_ROUTES else deep
        columns[f"risk_{name}"] = amount * routes.carcinogenic[name]
        columns[f"hazard_{name}"] = amount * routes.hazard[name]
    return _site_table(mine, top, deep, routes.saturation, columns)


def _site_table(
    model: SoilModel, top: Values, deep: Values, saturation: Values, columns: Mapping[str, Values]
) -> pl.DataFrame:
    risk = np.stack([columns[f"risk_{name}"] for name in SOIL_ROUTES])
    hazard = np.stack([columns[f"hazard_{name}"] for name in SOIL_ROUTES])
    total_risk, total_hazard = _total(risk), _total(hazard)
    # carcinogens are told by their risk, the others by their hazard
    shares = np.nan_to_num(np.where(np.isnan(total_risk), hazard, risk))
    main = np.where(shares.any(axis=0), np.array(SOIL_ROUTES)[np.argmax(shares, axis=0)], "")
    table = pl.DataFrame(
        {
            "item": model.items,
            "surface": top,
            "subsurface": deep,
            "saturation": saturation,
            "carcinogenic_risk": total_risk,
            "hazard_quotient": total_hazard,
            "main_route": main,
            **columns,
        }
    ).with_columns(pl.selectors.float().fill_nan(None))
    above = pl.max_horizontal("surface", "subsurface") > pl.col("saturation")
    return table.insert_column(4, table.select(above.alias("above_saturation")).to_series())


def _total(parts: Values) -> Values:
    """Sum over routes; NaN where no route has a value."""
    total: Values = np.nansum(parts, axis=0)
    return np.where(np.isnan(parts).all(axis=0), np.nan, total)


def _at(acceptable: Values, parts: list[Values]) -> Values:
    """Return the concentration at which the routes add up to what is acceptable; NaN where none has toxicity."""
    total = parts[0]
    for part in parts[1:]:
        total = np.where(np.isnan(part), total, np.where(np.isnan(total), part, total + part))
    with np.errstate(divide="ignore"):
        return np.where(total > 0, acceptable / total, np.nan)


def _routes(model: SoilModel, p: Named, factors: VapourFactors, effect: Effect) -> dict[str, Values]:
    taken = exposure(p, effect)
    by_mouth, through_skin, by_breath = _potency(model, p, effect)
    absorbed = model.properties["abs_d"]
    return {
        "swallowed": taken.swallowed * by_mouth,
        "skin": taken.skin * absorbed * through_skin,
        "dust": taken.dust * by_breath,
        "surface_vapour_outdoor": taken.outdoor_air * factors.surface_outdoor * by_breath,
        "subsurface_vapour_outdoor": taken.outdoor_air * factors.subsurface_outdoor * by_breath,
        "subsurface_vapour_indoor": taken.indoor_air * factors.subsurface_indoor * by_breath,
        "groundwater_vapour_outdoor": taken.outdoor_air * factors.groundwater_outdoor * by_breath,
        "groundwater_vapour_indoor": taken.indoor_air * factors.groundwater_indoor * by_breath,
        "groundwater_drunk": taken.water * by_mouth,
    }


def _potency(model: SoilModel, p: Named, effect: Effect) -> tuple[Values, Values, Values]:
    """Risk, or share of the dose left to soil, for every mg a kilogram of body takes in: mouth, skin, breath."""
    known = model.properties
    breathed = p["weight_adult"] / p["air_adult"]
    if effect == "ca":
        return known["sfo"], known["sfo"] / known["abs_gi"], known["iur"] * _PER_MILLIGRAM * breathed
    share = np.where(model.volatile, p["allocation_voc"], p["allocation_other"])
    mouth = 1 / (known["rfdo"] * share)
    return mouth, mouth / known["abs_gi"], breathed / (known["rfc"] * share)


def _vapour(model: SoilModel, land: LandClass) -> VapourFactors:
    """Return the vapour factors, NaN where the routes are off: computed only for the substances that have them."""
    places = np.flatnonzero(model.vapour)
    found = vapour_factors(model.parameters[land], {k: v[..., places] for k, v in model.properties.items()})
    return VapourFactors(
        **{name: _spread(getattr(found, name), places, len(model.items)) for name in VapourFactors.__slots__}
    )


def _spread(values: Values, places: NDArray[np.int64], count: int) -> Values:
    full = np.full((*values.shape[:-1], count), np.nan)
    full[..., places] = values
    return full

"""How far a recomputed value would move if the parameters were others: Monte Carlo over stated distributions.

The distributions are choices of this project, from no standard (`standards/soil/hj_25_3_2019.toml`, table
``distributions``); toxicity and the acceptable risk stay fixed. A range is a range of the model, not of the truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

import numpy as np
import polars as pl

from bihuan.assessment.soil_model import CODE, PROPERTIES, LandClass, SoilModel, Values
from bihuan.assessment.soil_risk import METHOD, Recomputed, recompute
from bihuan.core import InputError, SettingError, Status
from bihuan.standards import editions, lookup

BLOCK = 500
"""Draws computed together: the arrays of one block stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How one or several parameters vary together: a factor on what is held.

    Attributes
    ----------
    item : str
    of : tuple of str
        Parameters of the land, or properties of the substances; one factor a draw, of properties one a substance.
    kind : {"lognormal", "triangular"}
        Median 1 with a coefficient of variation; or mode 1 between `low` and `high`.
    cv, low, high : float
    """

    item: str
    of: tuple[str, ...]
    kind: str
    cv: float = 0.0
    low: float = 1.0
    high: float = 1.0

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> Values:
        """Return factors.

        Raises
        ------
        SettingError
            If the kind is unknown or its figures cannot be.
        """
        if self.kind == "lognormal" and self.cv > 0:
            factor: Values = np.exp(random.standard_normal(shape) * np.sqrt(np.log1p(self.cv**2)))
            return factor
        if self.kind == "triangular" and 0 < self.low <= 1 <= self.high and self.low < self.high:
            return random.triangular(self.low, 1.0, self.high, shape)
        raise SettingError(
            f"distribution {self.item}: {self.kind!r} with cv {self.cv}, low {self.low}, high {self.high} cannot be; "
            "lognormal needs cv above 0, triangular 0 < low <= 1 <= high"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Uncertainty:
    """Draws of the recomputed values of one class of land.

    Attributes
    ----------
    edition : str
    status : Status
    land : LandClass
    items : tuple of str
    seed : int
    by_risk, by_hazard, value : ndarray, shape (draws, n)
        [mg/kg]
    """

    edition: str
    status: Status
    land: LandClass
    items: tuple[str, ...]
    seed: int
    by_risk: Values
    by_hazard: Values
    value: Values

    def quantiles(self, levels: Sequence[float] = (0.05, 0.5, 0.95)) -> pl.DataFrame:
        """Return ``item land_use recomputed_p05 recomputed_p50 ... draws seed edition status method``. [mg/kg]"""
        # a column is missing in every draw or in none, and sorting is quicker than skipping what is missing
        found = np.quantile(self.value, levels, axis=0)
        columns = {f"recomputed_p{round(level * 100):02d}": row for level, row in zip(levels, found, strict=True)}
        facts = {"draws": len(self.value), "seed": self.seed, "edition": self.edition, "status": self.status}
        table = {"item": self.items, "land_use": self.land, **columns, **facts, "method": METHOD}
        return pl.DataFrame(table).with_columns(pl.selectors.float().fill_nan(None))

    def chance_above(self, surface: Mapping[str, float]) -> pl.DataFrame:
        """Return how often measured soil would be beyond the acceptable risk and the acceptable hazard.

        Parameters
        ----------
        surface : mapping of str to float
            Concentration by substance, the same at the surface and below. [mg/kg dry weight]

        Returns
        -------
        DataFrame
            ``item chance_risk chance_hazard``; null where no toxicity of the kind is held.

        Raises
        ------
        InputError
            If a substance was not drawn.
        """
        missing = sorted(set(surface) - set(self.items))
        if missing:
            raise InputError(f"no draws of {', '.join(missing)}: draw them first; drawn were {', '.join(self.items)}")
        places = [self.items.index(item) for item in surface]
        given = np.array(list(surface.values()))
        columns = {"chance_risk": self.by_risk[:, places], "chance_hazard": self.by_hazard[:, places]}
        shares = {
            name: np.where(np.isnan(drawn).all(axis=0), np.nan, (given > drawn).mean(axis=0))
            for name, drawn in columns.items()
        }
        return pl.DataFrame({"item": list(surface), **shares}).with_columns(pl.selectors.float().fill_nan(None))


def spreads(on: date | None = None, *, place: str = "") -> tuple[Spread, ...]:
    """Return the distributions as they are held."""
    day = on or editions(CODE)[-1].effective_from
    rows = lookup(CODE, on=day, place=place, allow_unconfirmed=True).table("distributions")
    numbers = [{name: float(row.fields[name]) for name in ("cv", "low", "high") if name in row.fields} for row in rows]
    return tuple(
        Spread(row.item, tuple(row["of"]), str(row["kind"]), **held) for row, held in zip(rows, numbers, strict=True)
    )


def uncertainty(
    model: SoilModel,
    land: LandClass,
    *,
    draws: int = 10_000,
    seed: int = 0,
    vary: Sequence[Spread] | None = None,
) -> Uncertainty:
    """Draw parameters and recompute.

    Parameters
    ----------
    model : SoilModel
        Its parameters are single numbers.
    land : LandClass
    draws : int
    seed : int
        The same seed, model and distributions give the same draws.
    vary : sequence of Spread, optional
        Distributions; those held when left out.

    Raises
    ------
    InputError
        If there is no draw to make.
    SettingError
        If a distribution names no parameter or property.
    """
    if draws < 1:
        raise InputError(f"{draws} draws: at least 1 is needed")
    chosen = spreads() if vary is None else tuple(vary)
    _check(model, chosen)
    random = np.random.Generator(np.random.SFC64(seed))
    parts = [recompute(drawn, land) for drawn in _blocks(model, land, chosen, draws, random)]
    return Uncertainty(
        edition=model.edition,
        status=model.status,
        land=land,
        items=model.items,
        seed=seed,
        by_risk=_stacked(parts, "by_risk"),
        by_hazard=_stacked(parts, "by_hazard"),
        value=_stacked(parts, "value"),
    )


def _stacked(parts: Sequence[Recomputed], name: str) -> Values:
    return np.concatenate([getattr(part, name) for part in parts])


def _blocks(
    model: SoilModel, land: LandClass, vary: Sequence[Spread], draws: int, random: np.random.Generator
) -> Iterator[SoilModel]:
    held = model.parameters[land]
    for first in range(0, draws, BLOCK):
        size = min(BLOCK, draws - first)
        own = {name: values.reshape(1, 1) for name, values in held.items()}
        properties = dict(model.properties)
        for one in vary:
            of_land = [name for name in one.of if name in own]
            if of_land:
                factor = one.draw(random, (size, 1))
                own |= {name: held[name] * factor for name in of_land}
            for name in (name for name in one.of if name in PROPERTIES):
                properties[name] = model.properties[name] * one.draw(random, (size, len(model.items)))
        parameters = MappingProxyType({**model.parameters, land: MappingProxyType(own)})
        yield replace(model, parameters=parameters, properties=MappingProxyType(properties))


def _check(model: SoilModel, vary: Sequence[Spread]) -> None:
    known = {*PROPERTIES, *(name for held in model.parameters.values() for name in held)}
    for one in vary:
        unknown = sorted(set(one.of) - known)
        if unknown:
            raise SettingError(f"distribution {one.item} names {', '.join(unknown)}; there are: {', '.join(known)}")

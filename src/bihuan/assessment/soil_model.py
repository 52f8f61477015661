"""Parameters and substances of the soil risk model (HJ 25.3), as arrays over substances and, if drawn, over draws.

Nothing here is law: every figure is unconfirmed, a setting of a model, and a city may put its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bihuan.assessment.index import least_sure
from bihuan.core import NotCovered, SettingError, Status
from bihuan.standards import Row, Standard, editions, lookup

CODE = "HJ 25.3"

LandClass = Literal["class_1", "class_2"]
"""第一类用地 (children and adults), 第二类用地 (adults only), as GB 36600 names them."""

LAND_CLASSES: tuple[LandClass, ...] = get_args(LandClass)

Values = NDArray[np.float64]
"""One number, one a substance ``(n,)``, one a draw ``(draws, 1)`` or both ``(draws, n)``."""

Named = Mapping[str, Values]

PROPERTIES = (
    "sfo",
    "iur",
    "rfdo",
    "rfc",
    "abs_gi",
    "abs_d",
    "henry",
    "diffusion_air",
    "diffusion_water",
    "koc",
    "solubility",
)
"""Of a substance: slope factor [1/(mg/kg/d)], unit risk [1/(ug/m3)], reference dose [mg/kg/d] and concentration
[mg/m3], absorption in the gut and through the skin [1], Henry's constant [1], diffusion in air and water [cm2/s],
sorption to organic carbon [L/kg], solubility [mg/L]."""


@dataclass(frozen=True, slots=True, eq=False)
class SoilModel:
    """Everything the model computes from.

    Attributes
    ----------
    edition, clause : str
    status : Status
        Of the least sure row.
    items : tuple of str
        Substances, in the order of every array.
    parameters : mapping of LandClass to mapping of str to ndarray
        By name; class 2 land has no parameter of children.
    properties : mapping of str to ndarray, shape (n,)
        By name of `PROPERTIES`; NaN is not known, and its route adds nothing.
    vapour : ndarray of bool, shape (n,)
        Whether the vapour routes are computed.
    volatile : ndarray of bool, shape (n,)
        Whether the share of the reference dose is that of volatile organics.
    """

    edition: str
    clause: str
    status: Status
    items: tuple[str, ...]
    parameters: Mapping[LandClass, Named]
    properties: Named
    vapour: NDArray[np.bool_]
    volatile: NDArray[np.bool_]

    def place(self, item: str) -> int:
        """Return where a substance stands in the arrays.

        Raises
        ------
        NotCovered
            If nothing is held for it.
        """
        try:
            return self.items.index(item)
        except ValueError:
            raise NotCovered(
                f"no toxicity of {item!r} is held, so no risk is computed; see standards/soil/hj_25_3_2019.toml; "
                f"there are: {', '.join(self.items)}"
            ) from None

    def only(self, items: Iterable[str]) -> SoilModel:
        """Return the same model for some substances, in the order given."""
        wanted = tuple(items)
        places = np.array([self.place(item) for item in wanted], dtype=np.int64)
        return replace(
            self,
            items=wanted,
            properties=MappingProxyType({name: values[..., places] for name, values in self.properties.items()}),
            vapour=self.vapour[places],
            volatile=self.volatile[places],
        )

    def with_parameters(self, land: LandClass, values: Mapping[str, float | Values]) -> SoilModel:
        """Return the same model with other parameters of a class of land: those measured at a site, or draws.

        Raises
        ------
        SettingError
            If the class of land has no such parameter.
        """
        held = self.parameters[land]
        unknown = sorted(set(values) - set(held))
        if unknown:
            raise SettingError(f"{land} has no parameter {', '.join(unknown)}; there are: {', '.join(held)}")
        changed = {name: np.asarray(value, dtype=np.float64) for name, value in values.items()}
        mine: dict[LandClass, Named] = {**self.parameters, land: MappingProxyType({**held, **changed})}
        return replace(self, parameters=MappingProxyType(mine))

    def with_properties(self, values: Mapping[str, Values]) -> SoilModel:
        """Return the same model with other properties of its substances, each an array over them.

        Raises
        ------
        SettingError
            If there is no such property, or the array is not as long as there are substances.
        """
        for name, value in values.items():
            if name not in PROPERTIES:
                raise SettingError(f"a substance has no property {name!r}; there are: {', '.join(PROPERTIES)}")
            if np.shape(value)[-1:] != (len(self.items),):
                raise SettingError(f"{name} has shape {np.shape(value)}; the last axis holds {len(self.items)}")
        return replace(self, properties=MappingProxyType({**self.properties, **values}))


def soil_model(on: date | None = None, *, place: str = "") -> SoilModel:
    """Return the model of an edition with every parameter as it is held.

    Parameters
    ----------
    on : date or None
        Day whose edition is taken; left out, the newest.
    place : str
        Administrative code.

    Raises
    ------
    NotCovered
        If no edition is held for the day.

    Notes
    -----
    The parameters are unconfirmed and decide nothing; the model takes them as what they are, a what-if.
    """
    day = on or editions(CODE)[-1].effective_from
    law = lookup(CODE, on=day, place=place, allow_unconfirmed=True)
    rows = law.table("substances")
    properties = {name: _column(rows, name) for name in PROPERTIES}
    return SoilModel(
        edition=law.number,
        clause=law.clause,
        status=least_sure(law.status, *(row.status for row in law.rows)),
        items=tuple(row.item for row in rows),
        parameters=MappingProxyType({land: _parameters(law, land) for land in LAND_CLASSES}),
        properties=MappingProxyType(properties),
        vapour=np.array([bool(row["vapour"]) for row in rows]),
        volatile=np.array([row["allocation"] == "voc" for row in rows]),
    )


def _parameters(law: Standard, land: LandClass) -> Named:
    rows = law.table("parameters")
    return MappingProxyType({row.item: np.array(float(row[land])) for row in rows if land in row.fields})


def _column(rows: Iterable[Row], name: str) -> Values:
    return np.array([float(row.fields.get(name, "nan")) for row in rows])

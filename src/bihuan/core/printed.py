"""How units are printed where people read them (`printed_units.toml`); the pages read the same table."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources


@cache
def _printed() -> Mapping[str, str]:
    content = resources.files("bihuan.core").joinpath("printed_units.toml").read_text("utf-8")
    found: dict[str, str] = tomllib.loads(content)["printed"]
    return found


def printed_unit(unit: str) -> str:
    """Return a unit as people write it: ``μg/m³`` for ``ug/m3``; one without a row of the table stays as it is."""
    return _printed().get(unit, unit)

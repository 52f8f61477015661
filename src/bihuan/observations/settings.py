"""The numbers of this room's checks: `flags.toml`, or a city's own table of the same shape."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from bihuan.core import Interval, SettingError

GROUPS = ("station", "outlet", "section")
"""What a site is to the checks: a station of ambient air, an outlet, a river section."""

Settings = Mapping[str, Any]
"""Tables as they stand in `flags.toml`."""


@cache
def default_settings() -> Settings:
    """Return the settings that ship with Bihuan."""
    source = resources.files("bihuan.observations").joinpath("flags.toml").read_text("utf-8")
    return MappingProxyType(tomllib.loads(source))


def with_overrides(changes: Mapping[str, Any], base: Settings | None = None) -> Settings:
    """Return the settings with a city's own numbers in place of ours.

    Parameters
    ----------
    changes : mapping
        Part of the tables of `flags.toml`; what it does not name stays.

    Raises
    ------
    SettingError
        If it names a table or key that does not exist, or puts text where a number stands.
    """
    return MappingProxyType(_merged(base or default_settings(), changes, ""))


OPEN_TABLES = (
    *("marks", "reasons", "range.", "stuck.station", "stuck.outlet", "stuck.section", "jump.above", "drift.floor"),
    *("spike.station", "spike.outlet", "spike.section", "noisy.section"),
)
"""Tables that may get new rows (a pollutant we do not list); all others only new numbers."""


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any], path: str) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        here = f"{path}.{key}".strip(".")
        if key not in base:
            if not here.startswith((*OPEN_TABLES, "neighbours.above", "neighbours.median")):
                raise SettingError(f"setting {here!r} is unknown in flags.toml; known here: {', '.join(base)}")
            merged[key] = value
        elif isinstance(base[key], Mapping):
            if not isinstance(value, Mapping):
                raise SettingError(f"setting {here!r} is a table in flags.toml, not {value!r}")
            merged[key] = _merged(base[key], value, here)
        elif isinstance(base[key], int | float) != isinstance(value, int | float):
            raise SettingError(f"setting {here!r} must be a number like {base[key]!r}, not {value!r}")
        else:
            merged[key] = value
    return merged


def context(interval: Interval, settings: Settings | None = None) -> timedelta:
    """Return how much earlier data the checks want to see beside a batch of this interval."""
    return timedelta(hours=float((settings or default_settings())["context"][interval]))


def group_of(kind: str) -> str:
    """Return the group of a site by its kind: kinds of stations are all one group."""
    return kind if kind in GROUPS else "station"


def by_group(tables: Mapping[str, Any], columns: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield one flat row for each group and pollutant of a table ``[check.group]``."""
    names = tuple(columns)
    for group in GROUPS:
        for pollutant, row in tables.get(group, {}).items():
            yield {"group": group, "pollutant": pollutant, **{name: row.get(name) for name in names}}

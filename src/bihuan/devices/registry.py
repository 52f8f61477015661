"""Which adapter reads what a device sends: by the protocol of its register row, ours or a third party's.

A third party's package names a factory under the entry-point group `GROUP`; ours are never taken over by one.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from bihuan.core import Adapter, NotCovered, SettingError
from bihuan.devices.plausible import Kind
from bihuan.register import Device

Factory = Callable[[Device, Kind, ZoneInfo], Adapter]
"""``factory(device, kind, zone)``: the register row, what its site is, and the local time of the device."""

GROUP = "bihuan.adapters"
"""Entry points of this group are adapters; the name of the entry point is the protocol."""

HJ212 = "hj212-"
"""Every protocol of this family is read by the one adapter; which year it is of is a setting of the device."""

BUILT_IN = MappingProxyType(
    {
        "hj212-2005": "hj212:Hj212Adapter",
        "hj212-2017": "hj212:Hj212Adapter",
        "hj212-2025": "hj212:Hj212Adapter",
        "report": "reports:ReportAdapter",
        "sensor-community": "sensor_community:SensorCommunityAdapter",
        "purpleair": "purpleair:PurpleAirAdapter",
        "purpleair-cf1": "purpleair:purpleair_cf1",
        "electricity": "electricity:ElectricityAdapter",
        "gates": "gates:GateAdapter",
        "tracks": "tracks:TrackAdapter",
        "video": "video:VideoAdapter",
        "sensorthings": "sensorthings:SensorThingsAdapter",
    }
)
"""Protocol -> folder of this room and the class in its door."""


def adapter(protocol: str) -> Factory:
    """Return what makes the adapter of a protocol.

    Raises
    ------
    NotCovered
        If nobody offers the protocol; names those that are known.
    SettingError
        If a third party's adapter cannot be loaded; names the package.
    """
    if protocol in BUILT_IN or protocol.startswith(HJ212):
        folder, _, name = BUILT_IN.get(protocol, BUILT_IN["hj212-2017"]).partition(":")
        found: Factory = getattr(importlib.import_module(f"bihuan.devices.{folder}"), name)
        return found
    offered = _offered().get(protocol)
    if offered is None:
        raise NotCovered(f"protocol {protocol!r} has no adapter; known: {', '.join(protocols())}")
    try:
        loaded: Any = offered.load()
    except Exception as problem:  # whatever a stranger's module does when it is imported
        package = offered.dist.name if offered.dist else "a package"
        raise SettingError(
            f"adapter {protocol!r} of {package} ({offered.value}) cannot be loaded: {type(problem).__name__}: {problem}"
        ) from problem
    if not callable(loaded):
        raise SettingError(f"adapter {protocol!r} ({offered.value}) cannot be called: name a class or a function")
    return loaded  # type: ignore[no-any-return]  # what it gives is checked where it is used


def protocols() -> tuple[str, ...]:
    """Return every protocol that can be read, ours first."""
    return (*BUILT_IN, *sorted(set(_offered()) - set(BUILT_IN)))


def own(protocol: str) -> bool:
    """Say whether the adapter of a protocol is part of this program."""
    return protocol in BUILT_IN or protocol.startswith(HJ212)


@cache
def _offered() -> dict[str, EntryPoint]:
    """What installed packages offer; looked for once, since packages are installed before a process starts."""
    return {point.name: point for point in entry_points(group=GROUP)}


def forget_offered() -> None:
    """Look for third parties' adapters anew, after a package was installed beside a running process."""
    _offered.cache_clear()

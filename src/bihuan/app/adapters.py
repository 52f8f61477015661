"""The adapter of a device, held so that no fault of it loses a frame or stops the loop.

Ours give complaints and never raise. A third party's may do anything: what it raises becomes the complaint
``adapter_failed``, what it returns is looked at before it is stored, and the frame stays in the journal either way, so
that `bihuan rebuild` reads it again with the mended package.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from datetime import datetime
from typing import get_args
from zoneinfo import ZoneInfo

from bihuan.core import (
    INTERVALS,
    LEVELS,
    ORIGINS,
    QUALITIES,
    Adapter,
    BihuanError,
    Complaint,
    Decoded,
    DeviceNote,
    Fix,
    Passage,
    Picture,
    Reading,
    Stat,
    pollutants,
)
from bihuan.devices import adapter, own
from bihuan.devices.hj212 import Envelope, Hj212Adapter, Report
from bihuan.register import Device
from bihuan.store import Record

log = logging.getLogger("bihuan.adapters")

LineOf = Callable[[str], Device | None]
"""Looks a device up by its code."""

COLLECTORS = frozenset({"electricity"})
"""Protocols of ours whose frames speak for other devices: the meters of a collector."""

_STATS = frozenset(get_args(Stat))
_FAILED = "adapter_failed"


class HeldAdapter:
    """One device's adapter; implements `bihuan.core.Adapter` and never raises.

    Parameters
    ----------
    device : Device
    zone : ZoneInfo
        Local time of the device.
    line_of : callable, optional
        Finds the meters that a collector of electricity speaks for.
    """

    def __init__(self, device: Device, zone: ZoneInfo, line_of: LineOf | None = None) -> None:
        self._device = device
        self._line_of = line_of or (lambda _: None)
        self._own = own(device.protocol)
        self._problem = ""
        self._adapter: Adapter | None = None
        try:
            made = adapter(device.protocol)
        except BihuanError as problem:
            self._problem = str(problem)
            log.error("device %s: %s", device.id, problem)
            return
        kind = "outlet" if device.site.startswith("outlet:") else "environment"
        try:
            self._adapter = made(device, kind, zone)  # type: ignore[arg-type]  # one of the two literals
        except Exception as problem:
            if self._own:
                raise  # a wrong setting of the register row is said as it always was
            self._problem = _words(problem)
            log.exception("adapter %s of device %s could not be made", device.protocol, device.id)

    def report(self, record: Record, head: Envelope) -> Report | None:
        """Read an entry that looks like the last one of its device; None says that `decode` must read it."""
        if not isinstance(self._adapter, Hj212Adapter):
            return None
        return self._adapter.report(record.raw, head, record.received)

    def decode(self, data: bytes, received: datetime, frame: str) -> Decoded:
        """Decode one entry of the journal."""
        if self._adapter is None:
            reason = "adapter_missing" if not self._own and "has no adapter" in self._problem else _FAILED
            return _only(reason, self._problem)
        try:
            decoded = self._adapter.decode(data, received, frame)
        except Exception as problem:
            log.exception("adapter %s of device %s failed on frame %s", self._device.protocol, self._device.id, frame)
            return _only(_FAILED, _words(problem))
        if self._own:
            return self._of_lines(decoded) if self._device.protocol in COLLECTORS else decoded
        try:
            return self._checked(decoded)
        except Exception as problem:  # what it returned is not even of the right types
            return _only(_FAILED, _words(problem))

    def _of_lines(self, decoded: Decoded) -> Decoded:
        """Leave out readings of meters that this device may not speak for."""
        strangers = {one.device for one in decoded.readings} - {self._device.id}
        refused = {code for code in strangers if not self._speaks_for(code)}
        if not refused:
            return decoded
        said = tuple(
            Complaint("line_unknown", f"meter {code[:40]!r} is no line of {self._device.site}", "", "error")
            for code in sorted(refused)
        )
        kept = tuple(one for one in decoded.readings if one.device not in refused)
        return Decoded(kept, decoded.complaints + said, decoded.notes, decoded.sightings)

    def _speaks_for(self, code: str) -> bool:
        meter = self._line_of(code)
        return meter is not None and bool(meter.line) and meter.site == self._device.site

    def _checked(self, decoded: Decoded) -> Decoded:
        """Take of a third party's answer only what can be stored."""
        if not isinstance(decoded, Decoded):
            return _only(_FAILED, f"decode returned {type(decoded).__name__}; it must return bihuan.core.Decoded")
        good, said = [], [one for one in decoded.complaints if isinstance(one, Complaint)]
        for reading in decoded.readings:
            fault = self._fault(reading)
            if fault:
                said.append(Complaint("adapter_reading", fault, getattr(reading, "pollutant", ""), "error"))
            else:
                good.append(reading)
        seen = tuple(one for one in decoded.sightings if isinstance(one, Fix | Passage | Picture))
        notes = tuple(one for one in decoded.notes if isinstance(one, DeviceNote))
        return Decoded(tuple(good), tuple(said), notes, seen)

    def _fault(self, one: Reading) -> str:
        if not isinstance(one, Reading):
            return f"{type(one).__name__} is no bihuan.core.Reading"
        wrong = [
            name
            for name, allowed in (
                ("pollutant", pollutants()),
                ("stat", _STATS),
                ("interval", INTERVALS),
                ("origin", ORIGINS),
                ("quality", QUALITIES),
                ("level", LEVELS),
            )
            if getattr(one, name) not in allowed
        ]
        if wrong:
            return f"{wrong[0]} {getattr(one, wrong[0])!r} is not known"
        if one.device != self._device.id:
            return f"device {one.device[:40]!r} is not this device"
        if one.start.tzinfo is None or one.end.tzinfo is None or one.end <= one.start:
            return "start and end must be aware, and end after start"
        if one.value is not None and not (isinstance(one.value, float | int) and math.isfinite(one.value)):
            return f"value {one.value!r} is no finite number; None is missing"
        return "" if all(isinstance(text, str) for text in (one.mark, one.reason, one.frame)) else "text is no text"


def _only(reason: str, detail: str) -> Decoded:
    return Decoded((), (Complaint(reason, detail[:300], "", "error"),))


def _words(problem: Exception) -> str:
    return f"{type(problem).__name__}: {problem}"

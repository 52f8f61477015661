"""Lines like ``2026-11-03T08:00:00+08:00 pm25 35.1``: the smallest adapter there can be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from bihuan.core import Complaint, Decoded, Reading, pollutants
from bihuan.register import Device

__all__ = ["HelloAdapter"]


class HelloAdapter:
    """Reads one value a line; what cannot be read becomes a complaint and the other lines are kept."""

    def __init__(self, device: Device, kind: Literal["environment", "outlet"], zone: ZoneInfo) -> None:
        self._device, self._zone = device, zone
        self._minute = timedelta(seconds=device.rhythm.get("minute", 60))

    def decode(self, data: bytes, received: datetime, frame: str) -> Decoded:
        """Decode what came at `received` and is journalled as `frame`."""
        readings, complaints = [], []
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            found = self._reading(line, frame)
            if found is not None:
                readings.append(found)
            else:
                complaints.append(Complaint("row_bad", "a line is: time, code of a pollutant, value", f"row {number}"))
        return Decoded(tuple(readings), tuple(complaints))

    def _reading(self, line: str, frame: str) -> Reading | None:
        try:
            when, pollutant, value = line.split()
            start = datetime.fromisoformat(when)
            number = float(value)
        except ValueError:
            return None
        if pollutant not in pollutants():
            return None
        start = (start if start.tzinfo else start.replace(tzinfo=self._zone)).astimezone(UTC)
        return Reading(self._device.id, pollutant, "avg", "minute", start, start + self._minute, number, frame=frame)

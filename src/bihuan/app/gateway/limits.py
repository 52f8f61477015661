"""What one sender may take: connections, frames a second, bytes in flight, silence."""

from __future__ import annotations

from dataclasses import dataclass

from bihuan.core import SettingError


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the gateway; every one is a setting of the process.

    Attributes
    ----------
    connections : int
        At once, of all.
    connections_per_address : int
        At once, of one address; many loggers may stand behind one router.
    frames_per_second, frames_per_second_per_address : float
        Sustained; a sender above it is read more slowly, nothing of it is dropped.
    burst : float
        Seconds' worth that may come at once, as after an outage of the line. [s]
    bytes_in_flight : int
        Of one connection, received and not yet durable; then reading pauses. [bytes]
    bytes_without_frame : int
        A connection that sends this much without one whole frame is closed. [bytes]
    idle : float
        A connection silent for this long is closed. [s]
    """

    connections: int = 10_000
    connections_per_address: int = 2_000
    frames_per_second: float = 500.0
    frames_per_second_per_address: float = 5_000.0
    burst: float = 10.0
    bytes_in_flight: int = 1 << 18
    bytes_without_frame: int = 1 << 16
    idle: float = 900.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) <= 0:
                raise SettingError(f"limit {name} of the gateway is {getattr(self, name)}: it must be above 0")


class Bucket:
    """A token bucket: `rate` a second, up to `burst` seconds' worth at once.

    Parameters
    ----------
    rate : float
        [1/s]
    burst : float
        [s]
    now : float
        Monotonic time. [s]
    """

    __slots__ = ("_full", "_left", "_rate", "_seen")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._full, self._seen = rate, rate * burst, now
        self._left = self._full

    def take(self, count: int, now: float) -> float:
        """Take `count` and return how long to wait before the next. [s]"""
        self._left = min(self._full, self._left + (now - self._seen) * self._rate) - count
        self._seen = now
        return max(0.0, -self._left / self._rate)

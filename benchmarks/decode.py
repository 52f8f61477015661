"""Packets of ten factors a second: framing, envelope, answer and full decode, beside splitting text at its separators.

The bare baseline is the least any reader in Python must do: find the data, decode it, split it at `;`, `,` and `=`.
It checks nothing, converts nothing and would take a torn frame for a good one.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.table import Table

from bihuan.core import Stat
from bihuan.devices.hj212 import Framer, Hj212Adapter, acknowledgement, checksum, envelope, uplink
from bihuan.devices.hj212.crc import TABLE
from bihuan.register import Device

PACKETS = 2_000
ROUNDS = 5
SENT = datetime(2026, 1, 1, tzinfo=UTC)
FACTORS = (
    "pm25", "pm10", "so2", "no2", "co", "o3", "air_temperature", "humidity", "wind_speed", "wind_from",
)  # fmt: skip


def packet(device: Device) -> bytes:
    """One momentary report of ten factors with their marks."""
    figures: dict[str, dict[Stat, float | None]] = {code: {"rtd": 12.345 + n} for n, code in enumerate(FACTORS)}
    (frame,) = uplink(device, "rt", SENT, figures, sent=SENT)
    return frame


def split(frame: bytes) -> list[list[str]]:
    """Bare splitting."""
    text = frame[6:-6].decode()
    return [pair.split("=") for group in text.split(";") for pair in group.split(",")]


def byte_by_byte(data: bytes) -> int:
    """The checksum with the usual table, one step a byte."""
    register = 0xFFFF
    for byte in data:
        register = TABLE[register >> 8 ^ byte]
    return register


def acknowledged(framer: Framer, frame: bytes) -> None:
    """What the gateway does with a packet apart from the journal."""
    for taken in framer.feed(frame)[0]:
        acknowledgement(envelope(taken.data))


def rate(work: Callable[[], object]) -> float:
    """Return packets a second of processor time, the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(PACKETS):
            work()
        best = min(best, time.process_time() - began)
    return PACKETS / best


def main() -> None:
    """Print the table."""
    device = Device(id="410100AIR0000000000000A1", name="benchmark", site="station:S1")
    frame, framer, adapter = packet(device), Framer(), Hj212Adapter(device)
    data, received, halves = frame[6:-6], SENT + timedelta(seconds=1), len(frame) // 2
    tasks: list[tuple[str, Callable[[], object]]] = [
        ("bare split of the text", lambda: split(frame)),
        ("checksum, a table step a byte", lambda: byte_by_byte(data)),
        ("checksum, folded (ours)", lambda: checksum(data)),
        ("frame + checksum", lambda: framer.feed(frame)),
        ("frame + checksum + envelope", lambda: [envelope(taken.data) for taken in framer.feed(frame)[0]]),
        ("the same and the answer", lambda: acknowledged(framer, frame)),
        (
            "the same, each frame in two reads",
            lambda: (framer.feed(frame[:halves]), acknowledged(framer, frame[halves:])),
        ),
        ("full decode to ten readings", lambda: adapter.decode(frame, received, "F")),
    ]
    table = Table(f"one packet of {len(frame)} bytes", "packets / s", "ratio to bare split")
    base = 0.0
    for name, work in tasks:
        speed = rate(work)
        base = base or speed
        table.add_row(name, f"{speed:,.0f}", f"{speed / base:.2f}")
    Console(width=100).print(table)

"""Mutated frames: no exception, no hang, no growth of memory, nothing wrong taken for right."""

import random
import resource
import tracemalloc
from datetime import timedelta

import pytest

from bihuan.core import texts
from bihuan.devices.hj212 import Framer, Hj212Adapter, acknowledgement, envelope, uplink, wrap
from tests.devices.samples import MN, RECEIVED, air, device, segment

INSERTS = [
    b"##",
    b"&&",
    b"\r\n",
    b"##0010",
    b"##0012QN=",
    b"##9999ST=",
    b"&&21C0",
    b"#",
    b"CP=",
    b";",
    b",",
    b"=",
    b"\xff",
    b"\x00",
]


def seeds() -> list[bytes]:
    """Frames of every kind we know, all of our own making."""
    ten = {
        code: {"rtd": 12.5}
        for code in ("pm25", "pm10", "so2", "no2", "co", "o3", "humidity", "wind_speed", "wind_from")
    }
    hours = {code: {"min": 1.0, "avg": 2.0, "max": 3.0, "cou": 4.0} for code in ("cod", "nh3n", "flow", "ph")}
    hour = RECEIVED.replace(second=0) - timedelta(hours=1)
    made = uplink(device(), "rt", RECEIVED, ten, sent=RECEIVED)
    made += uplink(device(), "hour", hour, hours, sent=RECEIVED, system="32", refilled=True)
    made += uplink(device(protocol="hj212-2005"), "day", hour - timedelta(hours=39), hours, sent=RECEIVED, system="32")
    made.append(wrap(segment("DataTime=20260101080000;PolId=w01018;i11001-Info=//设备校准//", "3020")))
    made.append(wrap(segment("DataTime=20260101080000;RestartTime=20260101075800", "2081")))
    made.append(wrap(segment("", "9015", flag="Flag=9;")))
    made.append(wrap(segment("DataTime=20260101080000;a34004-Rtd=,a34004-Flag=D;02-Rtd=--", more="PNUM=2;PNO=1;")))
    return [*made, air()]


def mutate(frame: bytes, dice: random.Random) -> bytes:
    data = bytearray(frame)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(data) + 1)
        what = dice.randrange(6)
        if what == 0 and at < len(data):
            data[at] = dice.randrange(256)
        elif what == 1:
            del data[at : at + dice.choice((1, 2, 7, 40))]
        elif what == 2:
            data[at:at] = dice.choice(INSERTS)
        elif what == 3:
            data[at:at] = data[dice.randrange(len(data) + 1) :][:50]
        elif what == 4:
            data[2:6] = b"%04d" % dice.randrange(10_000)
        elif data:
            end = data.rfind(b"&&")
            data[:] = wrap(bytes(data[6 : end + 2]))  # a right checksum over wrong content reaches the decoder
    return bytes(data)


def torture(rounds: int, seed: int) -> tuple[int, set[str]]:
    """Send mutated frames through everything the gateway and the core do; return readings and reasons."""
    dice = random.Random(seed)
    originals = seeds()
    framer = Framer()
    adapters = [Hj212Adapter(device(strictness=level), "environment") for level in ("strict", "tolerant")]
    reasons: set[str] = set()
    readings = 0
    for number in range(rounds):
        stream = mutate(dice.choice(originals), dice)
        cut = dice.randrange(len(stream) + 1)
        for read in (stream[:cut], stream[cut:]):
            frames, said = framer.feed(read)
            assert framer.pending <= 10_100
            reasons.update(complaint.reason for complaint in said)
            for frame in frames:
                acknowledgement(envelope(frame.data))
                decoded = adapters[number % 2].decode(frame.raw, RECEIVED, "F")
                readings += len(decoded.readings)
                reasons.update(complaint.reason for complaint in decoded.complaints)
                if decoded.readings:
                    assert frame.crc != "bad" and envelope(frame.data).mn == MN
    return readings, reasons


def grown(rounds: int) -> int:
    """Bytes by which the heap is bigger after the second half of the rounds than after the first."""
    tracemalloc.start()
    try:
        torture(rounds // 2, 1)
        before = tracemalloc.get_traced_memory()[0]
        torture(rounds // 2, 2)
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


def test_twenty_thousand_mutated_frames_raise_nothing() -> None:
    readings, reasons = torture(20_000, 7)
    assert readings > 5_000
    assert len(reasons) > 25
    for language in ("zh", "en"):
        assert reasons <= set(texts(language)["complaint"])


def test_memory_does_not_grow_with_mutated_frames() -> None:
    assert grown(1_600) < 200_000


def resident() -> int:
    """Largest memory this process has held. [bytes]"""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.long
@pytest.mark.timeout(3600)  # 471 s at load 6
def test_a_million_mutated_frames_raise_nothing_and_memory_does_not_grow() -> None:
    torture(20_000, 1)
    before = resident()
    readings, _ = torture(1_000_000, 2026)
    assert readings > 250_000
    assert resident() - before < 16_000_000
    assert grown(40_000) < 200_000

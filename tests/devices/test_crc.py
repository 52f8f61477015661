"""The checksum against published values and against the step-by-step loop of the standard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.devices.hj212 import checksum, classify
from bihuan.devices.hj212.crc import TABLE, modbus

ANNEX_A = b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&"
PUBLISHED = {
    b"": (0xFFFF, 0xFFFF),
    b"0": (0x5440, 0x54BF),
    b"A": (0x7080, 0x707F),
    b"123456789": (0x2F80, 0x4B37),
    b"\x00": (0x4040, 0x40BF),
    ANNEX_A: (0x1C80, 0x0759),
}


def as_printed(data: bytes) -> int:
    """The loop of HJ 212-2017 annex A, bit by bit."""
    register = 0xFFFF
    for byte in data:
        register = (register >> 8) ^ byte
        for _ in range(8):
            low = register & 1
            register >>= 1
            if low:
                register ^= 0xA001
    return register


@pytest.mark.parametrize("data", PUBLISHED)
def test_published_check_values(data: bytes) -> None:
    assert (checksum(data), modbus(data)) == PUBLISHED[data]


@given(st.binary(max_size=1100))
def test_folding_gives_what_the_printed_loop_gives(data: bytes) -> None:
    assert checksum(data) == as_printed(data)


@pytest.mark.parametrize("size", [7, 8, 9, 63, 64, 65, 1024, 9999, 16384, 16385, 32768])
def test_folding_holds_at_every_size_and_for_zeros(size: int) -> None:
    for data in (bytes(size), b"\xff" * size, bytes(index * 37 & 0xFF for index in range(size))):
        assert checksum(data) == as_printed(data)


def test_one_step_of_the_state_is_a_linear_map_of_order_eight() -> None:
    """What folding rests on: A(x ^ y) = A(x) ^ A(y) and A applied eight times changes nothing."""
    step = [value >> 8 for value in TABLE]
    assert all(step[x ^ y] == step[x] ^ step[y] for x in range(256) for y in range(256))
    for start in range(256):
        state = start
        for _ in range(8):
            state = step[state]
        assert state == start


def test_the_checksum_takes_only_256_values() -> None:
    assert len(set(TABLE)) == 256


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (b"1C80", "ok"),
        (b"1c80", "ok"),
        (b"801C", "swapped"),
        (b"0759", "modbus"),
        (b"1C08", "bad"),
        (b"1C8", "bad"),
        (b"", "bad"),
        (b"1C8\r", "bad"),
        (b" 1C8", "bad"),
        (b"+1C8", "bad"),
        (b"01C80", "bad"),
    ],
)
def test_a_wrong_checksum_is_explained(received: bytes, expected: str) -> None:
    assert classify(ANNEX_A, received) == expected


def test_a_lost_leading_zero_is_recognised() -> None:
    data = next(f"QN={n}".encode() for n in range(1000) if checksum(f"QN={n}".encode()) < 0x1000)
    assert classify(data, f"{checksum(data):X}".encode()) == "short"

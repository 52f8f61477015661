"""SM4 of HJ 212-2025: the annex's example, binary frames, printed braces, keys that change."""

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.core import Decoded, SettingError
from bihuan.devices.hj212 import Hj212Adapter, checksum, decrypt, encrypt, key_bytes, looks_encrypted, read_frame, wrap
from tests.devices.samples import RECEIVED, air, device, frames_of, reasons, segment

ZEROS = "0000000000000000"
PLAIN = (
    b"QN=20240520210600123;ST=31;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;"
    b"CP=&&DataTime=20240520210600;a34013-Rtd=12.34,a34013-Flag=N&&"
)


def sealed(data: bytes, key: str = ZEROS) -> bytes:
    """A frame as a device of 2025 sends it: length and checksum over the plain text."""
    return b"##%04d%b%04X\r\n" % (len(data), encrypt(data, key_bytes(key)), checksum(data))


def printed(data: bytes, key: str = ZEROS) -> bytes:
    """The same in the braces of annex A.2, as some devices send it."""
    start = data.index(b"CP=&&") + 5
    whole = (len(data) - 2 - start) // 16 * 16
    secret = encrypt(data, key_bytes(key))[start : start + whole]
    braces = b"{" + b",".join(b"0x%02X" % byte for byte in secret) + b"}"
    return b"##%04d%b%b%b%04X\r\n" % (len(data), data[:start], braces, data[start + whole :], checksum(data))


def decode(frame: bytes, **row: object) -> Decoded:
    return Hj212Adapter(device(**row)).decode(frame, RECEIVED, "F")


def test_the_example_of_annex_a_2() -> None:
    """Key 16 x 0x30: `DataTime=2024052` is printed as {0xE4,0x3E,...; what is over 16 stays in clear."""
    data = encrypt(PLAIN, key_bytes(ZEROS))
    body = data[data.index(b"CP=&&") + 5 :]
    assert body[:16].hex() == "e43e159acfab242cb53155fb8b9281a1"
    assert body.endswith(b"Flag=N&&") and len(data) == len(PLAIN)
    assert b"%04X" % checksum(PLAIN) == b"DA81"


def test_sm4_is_the_published_one() -> None:
    """GB/T 32907-2016 example 1."""
    key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    assert Cipher(SM4(key), modes.ECB()).encryptor().update(key).hex() == "681edf34d206965e86b3e94f536e4246"


@pytest.mark.parametrize("make", [sealed, printed])
def test_a_sealed_frame_decodes_to_what_was_sealed(make) -> None:  # type: ignore[no-untyped-def]
    data = segment("DataTime=20260101080000;a34004-Rtd=35.5,a34004-Flag=N;a34002-Rtd=60,a34002-Flag=N", flag="Flag=9;")
    (frame,), said = frames_of(make(data))
    assert not said and looks_encrypted(frame.data)
    decoded = decode(frame.raw, protocol="hj212-2025", cipher_key=ZEROS)
    assert [reading.value for reading in decoded.readings] == [35.5, 60] and not decoded.complaints


def test_without_a_key_or_with_another_it_is_refused_and_said() -> None:
    frame = sealed(segment("DataTime=20260101080000;a34004-Rtd=35,a34004-Flag=N", flag="Flag=9;"))
    assert reasons(decode(frame).complaints) == ["encrypted"]
    said = decode(frame, cipher_key="1111111111111111")
    assert reasons(said.complaints) == ["cipher_key_wrong"] and not said.readings


def test_while_a_key_changes_both_are_read_and_an_old_one_is_said() -> None:
    data = segment("DataTime=20260101080000;a34004-Rtd=35,a34004-Flag=N", flag="Flag=9;")
    row = {
        "protocol": "hj212-2025",
        "cipher_key": "A" * 16,
        "cipher_key_next": "B" * 16,
        "cipher_keys_old": ("C" * 16,),
    }
    for key, said in (("A", []), ("B", []), ("C", ["cipher_key_old"])):
        decoded = decode(sealed(data, key * 16), **row)
        assert [reading.value for reading in decoded.readings] == [35]
        assert reasons(decoded.complaints) == said


def test_what_should_be_sealed_and_came_in_clear_is_noted() -> None:
    assert reasons(decode(air(), protocol="hj212-2025", cipher_key=ZEROS).complaints) == ["not_encrypted"]
    assert not decode(air(), protocol="hj212-2017", cipher_key=ZEROS).complaints


def test_surface_water_stations_with_flag_nine_are_read_in_clear() -> None:
    data = segment("DataTime=20260101080000;w01001-Rtd=6.5,w01001-Flag=N", flag="Flag=9;")
    assert not looks_encrypted(data)
    assert decode(wrap(data)).readings[0].value == 6.5


@pytest.mark.parametrize("key", ["short", "0" * 17, "钥" * 16, "g" * 32])
def test_a_key_that_is_none_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(SettingError) as refused:
        key_bytes(key)
    assert key not in str(refused.value)


def test_a_key_may_be_given_in_hexadecimal() -> None:
    assert key_bytes("30" * 16) == key_bytes(ZEROS)


texts_of_cp = st.text(
    alphabet=st.characters(blacklist_categories=("Cc", "Cs"), blacklist_characters="&{"), max_size=200
)


@settings(max_examples=150, deadline=None)
@given(texts_of_cp, st.binary(min_size=16, max_size=16), st.lists(st.integers(1, 60), max_size=6))
def test_what_is_sealed_opens_again_however_the_line_cuts_it(text: str, key: bytes, cuts: list[int]) -> None:
    data = segment(f"DataTime=20260101080000;{text}", flag="Flag=9;")
    stream = b"##%04d%b%04X\r\n" % (len(data), encrypt(data, key), checksum(data)) + air()
    reads, at = [], 0
    for cut in cuts:
        reads.append(stream[at : at + cut])
        at += cut
    frames, _ = frames_of(*reads, stream[at:])
    assert len(frames) == 2 and frames[1].raw == air()[:-2]
    found = decrypt(frames[0], [b"x" * 16, key])
    assert found is not None and (found[0].data, found[1]) == (data, 1)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=120))
def test_no_ciphertext_raises(noise: bytes) -> None:
    data = segment("", flag="Flag=9;")[:-2] + noise + b"&&"
    raw = b"##%04d%bDA81\r\n" % (len(data), data)
    decode(raw, cipher_key=ZEROS)
    decrypt(read_frame(raw), [key_bytes(ZEROS)])
    for brace in (b"{0x", b"{0xE4", b"{0xE4,0x3E}", b"{0xE4,0x3}"):
        decode(b"##0141" + segment("", flag="Flag=9;")[:-2] + brace + noise + b"&&DA81\r\n", cipher_key=ZEROS)

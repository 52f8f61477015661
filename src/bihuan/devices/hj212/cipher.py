"""SM4 of HJ 212-2025: which bytes are ciphertext, and back.

Clause 6.4.2 (as quoted by implementers, the text was not at hand): SM4, a key of 16 bytes, ECB, no padding, over what
stands between ``CP=&&`` and the closing ``&&``. Annex A.2: only whole groups of 16 bytes are replaced, what is left
over stays in clear; length and checksum are made over the plain text first. So ciphertext is binary on the wire and the
length does not change. Some devices send the braces that A.2 prints (``{0xE4,0x3E,...}``) literally: read as well.

ECB hides nothing about equal blocks and nothing is authenticated: that is what the standard asks for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4

from bihuan.core import SettingError
from bihuan.devices.hj212.crc import checksum
from bihuan.devices.hj212.frame import Frame

BLOCK = 16
"""Bytes of a key and of a group."""

_OPEN = b"CP=&&"
_CLOSE = b"&&"
_PRINTED = re.compile(rb"\{((?:0[xX][0-9A-Fa-f]{2},?\s*)+)\}")
_DIGITS = re.compile(rb"&&([0-9A-Fa-f]{3,4})\Z")
_HEX_KEY = re.compile(r"[0-9A-Fa-f]{32}")
_CIPHER_VERSION = re.compile(rb"(?:^|[;,])Flag=(?:8|9|10|11)(?=[;,])")


def key_bytes(text: str) -> bytes:
    """Return a key as bytes: 16 characters as they are, or 32 hexadecimal digits.

    Raises
    ------
    SettingError
        If it is neither; the key itself is not repeated.
    """
    if _HEX_KEY.fullmatch(text):
        return bytes.fromhex(text)
    raw = text.encode()
    if len(raw) != BLOCK:
        raise SettingError(f"a cipher key has {len(raw)} bytes: give 16 characters, or 32 hexadecimal digits")
    return raw


def encrypt(data: bytes, key: bytes) -> bytes:
    """Return a data segment with the whole groups of its CP encrypted; its length stays.

    Parameters
    ----------
    data : bytes
        Plain data segment; its length and checksum are what goes on the wire with the result.
    key : bytes
    """
    start, stop = _region(data)
    whole = (stop - start) // BLOCK * BLOCK
    made = Cipher(SM4(key), modes.ECB()).encryptor()
    return data[:start] + made.update(data[start : start + whole]) + made.finalize() + data[start + whole :]


def looks_encrypted(data: bytes) -> bool:
    """Say whether the CP of a segment is no plain text: printed braces, or bytes that are no text at its beginning.

    The version bits must be those of 2025: surface-water stations send them too, but in clear.
    """
    head, mark, rest = data.partition(_OPEN)
    if not mark or not _CIPHER_VERSION.search(head):
        return False
    return _PRINTED.match(rest) is not None or any(byte < 0x20 or byte > 0x7E for byte in rest[:BLOCK])


def decrypt(frame: Frame, keys: Sequence[bytes]) -> tuple[Frame, int] | None:
    """Return a frame in clear and the number of the key that fits, or None when none does.

    Parameters
    ----------
    frame : Frame
        As it was cut from the line; its checksum is over the plain text.
    keys : sequence of bytes
        The current one first.

    Notes
    -----
    The checksum passes one wrong key in 256, so the plain text must be text as well.
    """
    found = _DIGITS.search(frame.raw)
    if found is None:
        return None
    wanted, sealed = int(found[1], 16), _unprinted(frame.data)
    start, stop = _region(sealed)
    whole = (stop - start) // BLOCK * BLOCK
    for number, key in enumerate(keys):
        made = Cipher(SM4(key), modes.ECB()).decryptor()
        opened = made.update(sealed[start : start + whole]) + made.finalize()
        plain = sealed[:start] + opened + sealed[start + whole :]
        if checksum(plain) == wanted and _is_text(opened):
            return Frame(frame.raw, plain, "ok"), number
    return None


def _region(data: bytes) -> tuple[int, int]:
    """Where the characters between ``CP=&&`` and the closing ``&&`` stand; empty where there are none."""
    start = data.find(_OPEN)
    if start < 0 or not data.endswith(_CLOSE):
        return len(data), len(data)
    start += len(_OPEN)
    return start, max(start, len(data) - len(_CLOSE))


def _unprinted(data: bytes) -> bytes:
    """Turn the braces of annex A.2 into the bytes they print."""
    start, _ = _region(data)
    found = _PRINTED.match(data, start)
    if found is None:
        return data
    digits = re.findall(rb"0[xX]([0-9A-Fa-f]{2})", found[1])
    return data[:start] + bytes.fromhex(b"".join(digits).decode()) + data[found.end() :]


def _is_text(opened: bytes) -> bool:
    if any(byte < 0x20 for byte in opened):
        return False
    for encoding in ("utf-8", "gb18030"):
        try:
            opened.decode(encoding)
        except UnicodeDecodeError as problem:
            if problem.start >= len(opened) - 3:  # the groups may end in the middle of a character
                return True
        else:
            return True
    return False

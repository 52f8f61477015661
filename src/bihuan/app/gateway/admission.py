"""Who may send: the known loggers with their passwords, refreshed from a small file that the core process writes."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, NamedTuple

from bihuan.core import SettingError, to_json
from bihuan.devices.hj212 import Envelope, Frame, decrypt, key_bytes, looks_encrypted
from bihuan.register import Device, Register
from bihuan.store import FrameStatus, write_whole

logger = logging.getLogger("bihuan.gateway")


class KnownDevice(NamedTuple):
    """What the gateway needs to know of a logger.

    Attributes
    ----------
    password : str
    strictness : str
        ``strict`` or ``tolerant``.
    keys : tuple of bytes
        Cipher keys of HJ 212-2025 under which its frames are believed, the current one first.
    """

    password: str
    strictness: Literal["strict", "tolerant"] = "tolerant"
    keys: tuple[bytes, ...] = ()


Known = Mapping[str, KnownDevice]
"""MN -> device."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What becomes of one frame.

    Attributes
    ----------
    status : FrameStatus
        As it is journalled.
    complaint : str
        Reason to count, empty if none.
    unread : bool
        Kept, but not answered: its checksum is over a plain text that cannot be had without the key.
    """

    status: FrameStatus
    complaint: str = ""
    unread: bool = False

    @property
    def answered(self) -> bool:
        """Whether the sender may be told that its frame came."""
        return self.status in ("known", "unknown") and not self.unread


_KNOWN = Admission("known")
_UNKNOWN = Admission("unknown", "device_unknown")
_PASSWORD = Admission("wrong_password", "password_wrong")
_NO_MN = Admission("garbage", "head_missing")


def admit(frame: Frame, head: Envelope, known: Known) -> Admission:
    """Decide on a frame from its envelope alone.

    A station's setting decides whether a checksum that is explained but not right (MODBUS, swapped, short) is taken;
    an unknown station is treated as tolerant, so that nothing of it is lost before it is claimed (待认领).
    """
    device = known.get(head.mn)
    if frame.crc == "bad" and head.mn and looks_encrypted(frame.data):
        return _admit_sealed(frame, head, device)
    if not frame.accepted("tolerant" if device is None else device.strictness):
        return Admission("garbage", f"crc_{frame.crc}" if frame.crc != "ok" else "frame_not_strict")
    if not head.mn:
        return _NO_MN
    if device is None:
        return _UNKNOWN
    return _KNOWN if head.pw == device.password else _PASSWORD


def _admit_sealed(frame: Frame, head: Envelope, device: KnownDevice | None) -> Admission:
    """Decide on ciphertext of 2025: answered once it opens, else kept for the day on which the key is known."""
    if device is None or not device.keys:
        return Admission("known" if device else "unknown", "encrypted", unread=True)
    if decrypt(frame, device.keys) is None:
        return Admission("known", "cipher_key_wrong", unread=True)
    return _KNOWN if head.pw == device.password else _PASSWORD


def write_devices(path: Path, register: Register, on: date) -> None:
    """Write the loggers of the register for the gateways; they read it again within a second."""
    devices = {
        device.id: {"password": device.password, "strictness": device.strictness, "keys": _keys(device)}
        for device in register.all(Device, on)
    }
    write_whole(path, to_json(devices), private=True)


def _keys(device: Device) -> list[str]:
    """Keys that a device may use now: its own, the one it was told to take, and the last it had."""
    return [key for key in (device.cipher_key, device.cipher_key_next, *device.cipher_keys_old[:1]) if key]


class DevicesFile:
    """The known loggers as `write_devices` left them; an absent file knows nobody.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.known: Known = {}
        self._path = path
        self._seen: tuple[int, int] | None = None
        self.refresh()

    def refresh(self) -> bool:
        """Read the file again if it changed and say whether it did; a file that cannot be read changes nothing."""
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_ino)
            if seen == self._seen:
                return False
            self._seen = seen
            self.known = _parse(json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return False
        except (OSError, ValueError, TypeError, AttributeError, LookupError, SettingError) as problem:
            logger.error("devices file cannot be read, the last one stays in force: %s: %s", self._path, problem)
            return False
        return True


def _parse(data: dict[str, dict[str, Any]]) -> dict[str, KnownDevice]:
    return {
        mn: KnownDevice(
            str(row["password"]),
            "strict" if row.get("strictness") == "strict" else "tolerant",
            tuple(key_bytes(str(key)) for key in row.get("keys", ())),
        )
        for mn, row in data.items()
    }

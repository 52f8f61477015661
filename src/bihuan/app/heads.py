"""Who sent a journalled entry: the head of an HJ 212 frame, or what the door wrote into the entry's peer.

The bytes of an entry are kept as they came. A payload that does not name its sender in HJ 212's way (JSON, CSV,
SensorThings) got its sender from the door: from the topic, the folder, the person who posted it. The door writes it in
front of an ``@`` in the peer: ``mqtt:MN@broker:1883/topic``. HJ 212 frames name themselves, whatever door they came by.
"""

from __future__ import annotations

import re

from bihuan.devices.hj212 import Envelope, envelope
from bihuan.store import Record

DOORS = ("mqtt", "folder", "file", "sta", "http")
"""Doors that write senders into the peer; the TCP gateway's peers are addresses."""

DEVICE_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
"""What may stand as a device's code: in a topic, a folder's name, a register row."""

LONGEST_PEER = 255
"""Bytes that an entry of the journal has for its peer."""

_DOOR = re.compile(rf"({'|'.join(DOORS)}):(?:[A-Za-z0-9_.\-]{{1,64}}@)?(.*)", re.DOTALL)
_NAMED = re.compile(rf"(?:{'|'.join(DOORS)}):([A-Za-z0-9_.\-]{{1,64}})@")
_NOBODY = envelope(b"")


def door_peer(door: str, where: str, device: str = "") -> str:
    """Return the peer text of an entry that came by a door.

    Parameters
    ----------
    door : str
        One of `DOORS`.
    where : str
        Broker and topic, file name, login; what is too long loses its end.
    device : str
        Sender, for payloads that are no HJ 212 frame.

    Raises
    ------
    ValueError
        If the device's code holds other letters than `DEVICE_CODE`.
    """
    if device and not DEVICE_CODE.fullmatch(device):
        raise ValueError(f"device {device!r}: letters, digits, dot, dash and underscore, at most 64")
    text = f"{door}:{device}@{where}" if device else f"{door}:{where.replace('@', '_')}"
    return text.encode()[:LONGEST_PEER].decode("utf-8", "ignore")


def peer_device(peer: str) -> str:
    """Return the sender that a door wrote, empty for HJ 212 frames and addresses."""
    found = _NAMED.match(peer)
    return found[1] if found else ""


def speaker_of(peer: str) -> str:
    """Return what tells one sender from another in a peer's text; empty where nobody speaks.

    Of an address all of it. One device writes to several topics of its broker, so the topic is left out. A file was
    made by nobody in particular: it is imported beside what the device sends, and its name changes with every file.
    """
    found = _DOOR.match(peer)
    if found is None:
        return peer
    door, where = found.groups()
    if door in {"file", "folder"}:
        return ""
    return f"{door}:{where.partition('/')[0]}"


def head_of(record: Record) -> Envelope:
    """Return the head of an entry, whatever door it came by; nothing of bytes that are no frame.

    Of an entry whose sender the door named, ``qn`` is the time of receipt: it orders two reports of one period.
    """
    if record.status == "garbage":
        return _NOBODY
    device = peer_device(record.peer)
    if not device:
        return envelope(record.raw)
    return Envelope(f"{record.received:%Y%m%d%H%M%S%f}", "", "", "", device)

"""Files of devices by `bihuan import --format PROTOCOL`: into the journal first, then the same way as from any door."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bihuan.app.adapters import HeldAdapter
from bihuan.app.heads import DEVICE_CODE, door_peer
from bihuan.app.ingest import Ingest
from bihuan.app.receipts import Fault, Report, fault_of
from bihuan.app.town import Town
from bihuan.core import Complaint, Decoded, FormatError, Period, RegisterError, local_date
from bihuan.devices import protocols
from bihuan.store import FrameStatus, Position, Record, Store, encode_entry

DOCUMENT = "document"
"""Kind of the report of such a file."""

PIECE = (1 << 20) - 4096
"""Longest document that an entry of the journal takes. [bytes]"""


def is_document(layout: str | None) -> bool:
    """Say whether a format is a protocol of devices whose files can be imported; HJ 212 comes over its own door."""
    return layout is not None and layout in protocols() and not layout.startswith("hj212-")


def take_document(
    store: Store, path: Path, data: bytes, protocol: str, device: str, zone: ZoneInfo, now: datetime, alone: bool
) -> Report:
    """Journal a file of a device, and store what it says unless a loop of this process will.

    Parameters
    ----------
    store : Store
    path : Path
    data : bytes
    protocol : str
    device : str
        Its code; empty where the document names it.
    zone : ZoneInfo
    now : datetime
    alone : bool
        Whether no loop goes on beside.

    Raises
    ------
    FormatError
        If nobody says whose it is, or it is too long for one entry and no table.
    RegisterError
        If the device has another protocol in the register.
    """
    code = device or _named(data)
    if not DEVICE_CODE.fullmatch(code):
        raise FormatError(f"{path} does not say which device it is of: give --device with its code in the register")
    register = store.records.register()
    town = Town(register, local_date(now, zone))
    row = town.devices.get(code)
    if row is not None and row.protocol != protocol:
        raise RegisterError(
            f"device {code} has protocol {row.protocol!r} in the register, the file is given as {protocol!r}: "
            "change its row, or the format"
        )
    status: FrameStatus = "unknown" if row is None else "known"
    peer = door_peer("file", path.name, code)
    pieces = list(_pieces(path, data))
    journal = store.own_journal()
    ids = journal.append([encode_entry(piece, now, peer, status) for piece in pieces])
    kept = store.blobs.put(data)
    if row is None:
        told = Complaint("device_unknown", f"device {code} is not in the register; the file waits to be claimed")
        return Report(str(path), DOCUMENT, protocol, read=len(pieces), digest=kept, faults=(fault_of(told),))
    records = [_record(journal.gateway, ident, now, peer, piece) for ident, piece in zip(ids, pieces, strict=True)]
    held = HeldAdapter(row, zone, town.devices.get)
    said = [held.decode(record.raw, record.received, record.frame) for record in records]
    if alone:
        Ingest(store, zone).feed(town, records, {}, now)
    return _report(path, protocol, kept, said, row.site)


def _record(gateway: str, ident: str, now: datetime, peer: str, piece: bytes) -> Record:
    segment, _, offset = ident.rpartition("-")[2].partition("/")
    return Record(gateway, Position(int(segment), int(offset)), now, peer, "known", piece)


def _report(path: Path, protocol: str, kept: str, said: list[Decoded], site: str) -> Report:
    readings = [one for decoded in said for one in decoded.readings]
    seen = [one for decoded in said for one in decoded.sightings]
    instants = [one.start for one in readings] + [one.at for one in seen]
    ends = [one.end for one in readings] + [one.at for one in seen]
    period = Period(min(instants), max(ends)) if instants and max(ends) > min(instants) else None
    faults: tuple[Fault, ...] = tuple(fault_of(one) for decoded in said for one in decoded.complaints)
    if not readings and not seen:
        told = "; ".join(f"{fault.reason}: {fault.detail}" for fault in faults[:3])
        failed = f"{path} holds nothing that the adapter {protocol} can keep: {told}"
        return Report(str(path), DOCUMENT, protocol, digest=kept, faults=faults, failed=failed)
    return Report(
        file=str(path),
        kind=DOCUMENT,
        layout=protocol,
        read=len(said),
        new=len(readings) + len(seen),
        sites=(site,),
        period=period,
        digest=kept,
        faults=faults,
    )


def _named(data: bytes) -> str:
    """Return the device that a JSON document names, empty where it names none."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return ""
    row = found[0] if isinstance(found, list) and found else found
    if not isinstance(row, dict):
        return ""
    sensor = row.get("sensor")
    told = (
        row.get("device")
        or row.get("mn")
        or row.get("esp8266id")
        or str(row.get("SensorId") or "").replace(":", "")
        or (sensor.get("id") or sensor.get("sensor_index") if isinstance(sensor, dict) else "")
    )
    return str(told or "")


def _pieces(path: Path, data: bytes) -> Iterator[bytes]:
    """Cut a long table between its lines, each piece with the header; other documents go whole."""
    if len(data) <= PIECE:
        yield data
        return
    head, _, rest = data.partition(b"\n")
    if data.lstrip()[:1] in (b"{", b"[", b"<") or len(head) > PIECE // 2:
        raise FormatError(f"{path} has {len(data)} bytes; a document takes {PIECE} at most: split it, or send a table")
    room = PIECE - len(head) - 1
    while rest:
        cut = len(rest) if len(rest) <= room else rest.rfind(b"\n", 0, room) + 1
        if cut <= 0:
            raise FormatError(f"{path} has a line of more than {room} bytes: no table has one")
        yield head + b"\n" + rest[:cut]
        rest = rest[cut:]

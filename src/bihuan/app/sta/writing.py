"""Observations that are posted: whose they are, journalled as one frame a device, and the ids they will have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bihuan.app.adapters import HeldAdapter
from bihuan.app.heads import door_peer
from bihuan.app.sta.catalog import Catalog, Stream, stream_id, stream_of
from bihuan.app.sta.problems import StaError
from bihuan.core import Reading, iso
from bihuan.register import Device
from bihuan.store import Store, encode_entry

PROTOCOL = "sensorthings"
"""Protocol of the devices whose observations may be posted."""

LARGEST = (1 << 20) - 4096
"""Longest post that an entry of the journal takes. [bytes]"""


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a post.

    Attributes
    ----------
    ids : tuple of str
        Of the observations that will be found, in the order of the post.
    refused : int
    """

    ids: tuple[str, ...]
    refused: int


def posted(
    store: Store, catalog: Catalog, raw: bytes, login: str, zone: ZoneInfo, now: datetime, stream: str = ""
) -> Posted:
    """Journal a post, and say which observations it makes.

    Parameters
    ----------
    stream : str
        Id of the Datastream of the path, where the post itself names none.

    Raises
    ------
    StaError
        400 where nothing of it can be read, 403 where it is of a site that this login does not see, 404 where no
        device of the site takes posts, 413 where it is too long.
    DiskFull, StoreError
        Nothing was kept.
    """
    if len(raw) > LARGEST:
        raise StaError(413, f"{len(raw)} bytes; one post holds {LARGEST} at most: split it")
    document = _document(raw)
    if stream:
        document = {**(document if isinstance(document, dict) else {}), "Datastream": {"@iot.id": stream}}
        raw = json.dumps(document, ensure_ascii=False).encode()
    asked = _streams(document)
    devices = {one.site: _device(catalog, one) for one in asked}
    said = {}
    for site, device in devices.items():
        held = HeldAdapter(device, zone)
        said[site] = held.decode(raw, now, "")
    readings = [one for decoded in said.values() for one in decoded.readings]
    wrong = [one for decoded in said.values() for one in decoded.complaints if one.severity == "error"]
    if not readings:
        told = "; ".join(f"{one.where}: {one.detail}" for one in wrong[:3]) or "no observation is in it"
        raise StaError(400, f"nothing of the post can be kept: {told}")
    entries = [encode_entry(raw, now, door_peer("sta", login, device.id), "known") for device in devices.values()]
    store.own_journal().append(entries)
    sites = {device.id: site for site, device in devices.items()}
    return Posted(tuple(_id(sites[one.device], one) for one in readings), len(wrong))


def _id(site: str, one: Reading) -> str:
    return f"{stream_id(Stream(site, one.pollutant, one.interval))}~{iso(one.start)}"


def _document(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as problem:
        raise StaError(400, f"the post is no JSON: {str(problem)[:120]}") from None


def _streams(document: Any) -> list[Stream]:
    found = []
    for row in document if isinstance(document, list) else [document]:
        named = row.get("Datastream") if isinstance(row, Mapping) else None
        ident = str(named.get("@iot.id", "")) if isinstance(named, Mapping) else ""
        stream = stream_of(ident)
        if stream is None:
            raise StaError(400, f"Datastream {ident[:80]!r} cannot be: SITE~POLLUTANT~INTERVAL, minute or hour")
        found.append(stream)
    if not found:
        raise StaError(400, "the post is empty")
    return found


def _device(catalog: Catalog, stream: Stream) -> Device:
    if stream.site not in catalog.sites:
        raise StaError(403, f"site {stream.site} is not there, or not for this login")
    found = [one for one in catalog.devices(stream.site) if one.protocol == PROTOCOL]
    if not found:
        raise StaError(404, f"site {stream.site} has no device of protocol {PROTOCOL} in the register: add one first")
    return found[0]

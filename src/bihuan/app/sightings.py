"""What devices saw besides values, kept in the records: vehicles at gates, tracks, pictures of videos.

Ids come from content, so that a frame that is read twice, or anew by `bihuan rebuild`, makes the same rows once. A
plate is masked or hashed before it is stored: only the raw frame in the journal has it as the gate read it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from bihuan.core import Fix, Passage, Picture, Sighting, content_id, to_json
from bihuan.store import Row, Store, write_whole

Plates = Literal["mask", "hash"]

PIECE = timedelta(hours=1)
"""A track is kept in pieces of this length at most."""

_KEY = "plates.key"


@dataclass(frozen=True, slots=True)
class KeptPassage:
    """One vehicle through one gate, as it is stored; fields as in `bihuan.core.Passage`.

    Attributes
    ----------
    plate : str
        Masked (``豫A***45``) or hashed (``#9f0c...``).
    device, site, frame : str
    """

    at: datetime
    plate: str
    direction: str
    stage: str
    fuel: str
    vehicle: str
    mass: float | None
    lane: str
    device: str
    site: str
    frame: str


@dataclass(frozen=True, slots=True)
class KeptTrack:
    """A piece of a track.

    Attributes
    ----------
    device, site, frame : str
    pollutants : tuple of str
    points : tuple of (instant, lon, lat, speed, values)
        Values in the order of `pollutants`, null where missing; speed in m/s.
    """

    device: str
    site: str
    frame: str
    pollutants: tuple[str, ...]
    points: tuple[tuple[datetime, float, float, float | None, tuple[float | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """The address of a video with the digest of one picture of it.

    Attributes
    ----------
    digest : str
        In the blobs; empty where no picture came.
    """

    at: datetime
    url: str
    title: str
    digest: str
    media_type: str
    device: str
    site: str
    frame: str


@dataclass(slots=True)
class Seen:
    """Sightings on their way into the records, with who saw them."""

    rows: list[tuple[str, str, str, Sighting]] = field(default_factory=list)

    def add(self, device: str, site: str, frame: str, found: Iterable[Sighting]) -> None:
        """Take what one frame told."""
        self.rows += [(device, site, frame, one) for one in found]


def keep_sightings(store: Store, seen: Seen, plates: Plates = "mask") -> int:
    """Store what was seen and return how many rows that were; the same again changes nothing."""
    if not seen.rows:
        return 0
    pictures = [_picture(store, *row) for row in seen.rows if isinstance(row[3], Picture)]
    passages = [_passage(store, plates, *row) for row in seen.rows if isinstance(row[3], Passage)]
    tracks = _tracks([row for row in seen.rows if isinstance(row[3], Fix)])
    with store.records.transaction():
        store.records.save("passage", _once(passages))
        store.records.save("picture", _once(pictures))
        store.records.save("track", _once(tracks))
    return len(passages) + len(pictures) + len(tracks)


def _once(rows: list[Row]) -> list[Row]:
    return list({row.id: row for row in rows}.values())


def masked_plate(plate: str) -> str:
    """Return a plate of which the middle is hidden: the province, its letter and the last two remain."""
    plain = "".join(letter for letter in plate if letter.isalnum())
    return f"{plain[:2]}***{plain[-2:]}" if len(plain) >= 6 else "***" if plain else ""


def hashed_plate(plate: str, key: bytes) -> str:
    """Return a plate as a keyed digest: the same vehicle is the same text, and nobody reads it back."""
    plain = "".join(letter for letter in plate if letter.isalnum()).upper()
    return "#" + hmac.new(key, plain.encode(), hashlib.sha256).hexdigest()[:20] if plain else ""


def _plate_key(store: Store) -> bytes:
    """Return the key of this home; made once, readable by its owner alone."""
    path = store.home.path / _KEY
    if not path.exists():
        write_whole(path, secrets.token_hex(32).encode(), private=True)
    return path.read_bytes().strip()


def _passage(store: Store, plates: Plates, device: str, site: str, frame: str, one: Sighting) -> Row:
    assert isinstance(one, Passage)
    plate = hashed_plate(one.plate, _plate_key(store)) if plates == "hash" else masked_plate(one.plate)
    ident = content_id("passage", device, one.at, plate, one.direction, one.lane)
    kept = KeptPassage(
        at=one.at,
        plate=plate,
        direction=one.direction,
        stage=one.stage,
        fuel=one.fuel,
        vehicle=one.vehicle,
        mass=one.mass,
        lane=one.lane,
        device=device,
        site=site,
        frame=frame,
    )
    return Row(ident, to_json(kept), site, one.stage or "unknown", "", one.at, one.at)


def _picture(store: Store, device: str, site: str, frame: str, one: Sighting) -> Row:
    assert isinstance(one, Picture)
    digest = store.blobs.put(one.content) if one.content else ""
    kept = KeptPicture(one.at, one.url, one.title, digest, one.media_type, device, site, frame)
    return Row(content_id("picture", device, one.url, one.at), to_json(kept), site, "linked", "", one.at, one.at)


def _tracks(rows: Sequence[tuple[str, str, str, Sighting]]) -> list[Row]:
    """Cut the points of each frame into pieces of an hour."""
    pieces: dict[tuple[str, str, str, int], list[Fix]] = {}
    for device, site, frame, one in rows:
        assert isinstance(one, Fix)
        pieces.setdefault((device, site, frame, int(one.at.timestamp() // PIECE.total_seconds())), []).append(one)
    return [_track(device, site, frame, fixes) for (device, site, frame, _), fixes in pieces.items()]


def _track(device: str, site: str, frame: str, fixes: list[Fix]) -> Row:
    fixes = sorted(fixes, key=lambda fix: fix.at)
    names = tuple(sorted({name for fix in fixes for name in fix.values}))
    points = tuple(
        (fix.at, fix.place.lon, fix.place.lat, fix.speed, tuple(fix.values.get(name) for name in names))
        for fix in fixes
    )
    body = to_json(KeptTrack(device, site, frame, names, points))
    ident = content_id("track", device, to_json(points).decode(), ",".join(names))
    return Row(ident, body, site, "whole", "", fixes[0].at, fixes[-1].at)

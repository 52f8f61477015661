"""Loggers: what to type into them, how each of them speaks, who waits to be claimed, and claiming."""

from __future__ import annotations

import itertools
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from bihuan.app.access import Session
from bihuan.app.api.alarms import pollutant_name
from bihuan.app.api.device_lines import (
    ComplaintCount,
    DeviceLine,
    DeviceList,
    FrameLine,
    FrameList,
    UnknownLine,
    UnknownList,
    complaint_words,
    frame_line,
    frame_lines,
    noise_lines,
    seen_device,
    sees_device,
)
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.api.orders import hold_key
from bihuan.app.claiming import claim
from bihuan.app.gapkeeping import first_heard
from bihuan.app.heardat import heard_elsewhere
from bihuan.app.linebook import KEPT, NOBODY, FrameReader, Line, stranger
from bihuan.app.transmission import Share, counted, shares
from bihuan.core import INTERVALS, Language, Ref, text, to_json
from bihuan.devices import protocols
from bihuan.devices.hj212 import envelope
from bihuan.register import Device
from bihuan.store import START, Record

router = APIRouter(prefix="/api/devices", tags=["devices"], responses=PROBLEMS)  # type: ignore[arg-type]

Reader = Annotated[Session, needs("device.read")]
Claimer = Annotated[Session, needs("device.claim")]

COMMANDS = ("2011", "2051", "2061", "2031")
SYSTEMS = ("21", "22", "31", "32", "39")
"""ST of what Bihuan reads values of: surface water, air, stacks, waste water, VOC at stacks (HJ 212-2017 table 5)."""

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Choice(BaseModel):
    """A code and its words."""

    code: str
    words: str


class Connection(BaseModel):
    """What to type into a logger."""

    host: str = Field(description="address of this machine as the browser reached it")
    port: int | None = Field(description="TCP port for devices; null while none is open")
    only_here: bool = Field(description="devices can reach it from this machine only: start with --host")
    protocols: list[str]
    systems: list[Choice]
    commands: list[Choice]
    sites: list[Choice] = Field(description="what a logger may measure, for claiming")


class ClaimAsked(BaseModel):
    """A logger to be taken into the register."""

    mn: str = Field(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")
    site: str = Field(max_length=160, description="station:..., section:... or outlet:...")
    password: str = Field(default="123456", max_length=32, pattern=r"^[^;,&]*$")
    protocol: str = Field(default="hj212-2017", max_length=64, description="one of those that `connect` lists")
    cipher_key: str = Field(default="", max_length=32, description="SM4 key of 2025, as set at the logger")
    strictness: Literal["tolerant", "strict"] = "tolerant"
    rhythm: dict[str, Annotated[int, Field(gt=0, le=86400)]] = Field(description="seconds by interval", max_length=4)
    maintainer: str = Field(default="", max_length=64)


class ClaimDone(BaseModel):
    """What the claim brought."""

    mn: str
    frames: int
    readings: int
    valid_from: str


class TryAsked(BaseModel):
    """A frame to look at."""

    frame: str = Field(min_length=1, max_length=20_000)


class TryDone(BaseModel):
    """What the frame says; nothing was stored."""

    mn: str
    known: bool
    line: FrameLine


@router.get("/connect")
def device_connection(office: TheOffice, session: Reader, language: TheLanguage, request: Request) -> Connection:
    """Tell what to type into a logger."""
    told = _server(office.store.home.server)
    host = told.get("host") or office.settings.text("host")
    sites = [site for site in office.town.sites if site.ref.kind in ("station", "section", "outlet")]
    return Connection(
        host=host if host not in ("0.0.0.0", "::") else request.url.hostname or host,
        port=told.get("hj212_port") or (office.settings.whole("hj212_port") or None),
        only_here=host in LOOPBACK,
        protocols=list(protocols()),
        systems=[Choice(code=code, words=text(f"onboarding.st_{code}", language)) for code in SYSTEMS],
        commands=[Choice(code=code, words=text(f"onboarding.cn_{code}", language)) for code in COMMANDS],
        sites=[Choice(code=str(site.ref), words=office.name(site.ref, language)) for site in sites],
    )


@router.get("", response_class=Response, responses={200: {"model": DeviceList}})
def device_list(office: TheOffice, session: Reader, language: TheLanguage) -> Response:
    """List every logger with how it speaks; made once a minute at most, and once for all who see everything."""
    own = session.person.district or set(session.roles) == {"maintainer"}
    with office.lines.mutex:
        ends = office.lines.renew(office.town.devices)
        key = (language, ends, id(office.town), office.now.replace(second=0, microsecond=0), office.loop.watermark)
        kept = office.lines.made.get(language)
        if kept is None or kept[0] != key:
            lines = _device_lines(office, language)
            kept = (key, lines, to_json(_listed(lines, office).model_dump()))
            office.lines.made[language] = kept
        _, lines, body = kept
        if own:
            known = office.town.devices
            mine = [line for line in lines if line.mn in known and sees_device(session, known[line.mn], office)]
            body = to_json(_listed(mine, office).model_dump())
    return Response(body, media_type="application/json")


@router.get("/unknown")
def device_unknown(office: TheOffice, session: Claimer, language: TheLanguage) -> UnknownList:
    """List loggers that wait to be claimed (待认领), the last heard first, and bytes that name no logger."""
    with office.lines.mutex:
        office.lines.renew(office.town.devices)
        found = office.lines.strangers(office.town.devices)[:500]
        devices = [_unknown(line, office, language) for line in found]
        noise = noise_lines(office.lines.line(NOBODY), office, language)
    return UnknownList(since=office.lines.since, devices=devices, noise=noise)


@router.post("/claim")
def device_claim(asked: ClaimAsked, office: TheOffice, session: Claimer) -> ClaimDone:
    """Take a logger into the register and its waiting frames into the series, once."""
    strange = sorted(set(asked.rhythm) - set(INTERVALS))
    if strange:
        raise Refused(422, "rhythm", f"rhythm {strange[0]!r} is none of {', '.join(INTERVALS)}", ["rhythm"])
    if asked.protocol not in protocols():
        known = ", ".join(protocols())
        raise Refused(422, "protocol", f"protocol {asked.protocol!r} has no adapter; known: {known}", ["protocol"])
    if asked.mn in office.town.devices:
        raise Refused(409, "device_known", f"device {asked.mn} is in the register already: somebody was faster")
    hold_key(asked.cipher_key)
    device = Device(
        id=asked.mn,
        name="",
        site=asked.site,
        password=asked.password,
        protocol=asked.protocol,
        cipher_key=asked.cipher_key,
        strictness=asked.strictness,
        rhythm=dict(asked.rhythm),
        maintainer=asked.maintainer,
    )
    done = claim(office.store, office.loop, device, session.person.id, office.now)
    with office.lines.mutex:
        office.lines.forget_reasons(asked.mn)
    office.live.tell("device", id=asked.mn)
    return ClaimDone(
        mn=asked.mn, frames=done.frames, readings=done.readings, valid_from=done.device.valid_from.isoformat()
    )


@router.post("/try")
def device_try(asked: TryAsked, office: TheOffice, session: Reader, language: TheLanguage) -> TryDone:
    """Decode a frame that somebody pasted and tell its complaints; nothing is stored."""
    raw = asked.frame.strip().encode("utf-8", "replace")
    head = envelope(raw)
    known = office.town.devices.get(head.mn)
    if known is not None and not sees_device(session, known, office):
        known = None
    device = known or stranger(head.mn, head)
    record = Record("g0", START, office.now, "", "known" if known else "unknown", raw)
    said = FrameReader(device, office.zone).read(record)
    line = frame_line(record, said, head.cn, device.site.startswith("outlet:"), language)
    return TryDone(mn=head.mn, known=known is not None, line=line)


@router.get("/{mn}/frames")
def device_frames(
    mn: str,
    office: TheOffice,
    session: Reader,
    language: TheLanguage,
    last: Annotated[int, Query(ge=1, le=KEPT)] = KEPT,
) -> FrameList:
    """Return the last frames of a logger as they came, with what they say and what is wrong with them."""
    device = seen_device(mn, session, office)
    with office.lines.mutex:
        office.lines.renew(office.town.devices)
        line = office.lines.line(mn)
        if device is None and line is None:
            raise Refused(404, "no_device", f"device {mn!r} is not in the register and no frame of it was found")
        kept = list(line.kept)[-last:] if line else []
        reads_as = device or stranger(mn, kept[-1].head)
        host = heard_elsewhere(office.store, [mn]).get(mn, "")
        told = _device_line(device, _shares(office).get(mn), office, language, host) if device else None
        frames = frame_lines(kept, reads_as, office, language)
    return FrameList(mn=mn, known=device is not None, device=told, since=office.lines.since, frames=frames)


def _server(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _shares(office: Office) -> dict[str, Share]:
    began = first_heard(office.store.records)
    return shares(office.store.series, office.town.devices.values(), office.now, office.zone, began)


def _device_lines(office: Office, language: Language) -> list[DeviceLine]:
    today, hosts = _shares(office), heard_elsewhere(office.store)
    known = sorted(office.town.devices.items())
    return [_device_line(one, today.get(mn), office, language, hosts.get(mn, "")) for mn, one in known]


def _listed(lines: list[DeviceLine], office: Office) -> DeviceList:
    unknown = len(office.lines.strangers(office.town.devices))
    return DeviceList(as_of=office.now, since=office.lines.since, kept=KEPT, unknown=unknown, devices=lines)


def _device_line(device: Device, share: Share | None, office: Office, language: Language, host: str = "") -> DeviceLine:
    line, now = office.lines.line(device.id), office.now
    site = Ref.parse(device.site)
    heard = line.last if line else None
    if host:  # its frames lie in the journal of that host, and what is known of its line came with its readings
        heard = max(filter(None, (heard, office.loop.watch.heard(device.id))), default=None)
    silent = max(0.0, (now - heard).total_seconds()) if heard else None
    shortest = min(device.rhythm.values(), default=0)
    complaints = office.lines.complaints(line, device) if line else {}
    return DeviceLine(
        mn=device.id,
        site=device.site,
        site_name=office.name(site, language),
        district=getattr(office.register.resolve(site, office.town.on), "district", ""),
        protocol=device.protocol,
        strictness=device.strictness,
        maintainer=office.name(Ref("unit", device.maintainer), language) if device.maintainer else "",
        rhythm=device.rhythm,
        heard=heard,
        silent=silent,
        missed=int(silent // shortest) if silent is not None and shortest else None,
        frames=line.frames if line else 0,
        interval=counted(device),
        due=share.due if share else None,
        received=share.received if share else None,
        efficiency=share.efficiency if share else None,
        complaints=[
            ComplaintCount(reason=reason, words=complaint_words(reason, language), frames=count)
            for reason, count in sorted(complaints.items(), key=lambda item: (-item[1], item[0]))
        ],
        host=host,
    )


def _unknown(line: Line, office: Office, language: Language) -> UnknownLine:
    """What an unknown logger sends, read as it presents itself."""
    reader = FrameReader(stranger(line.mn, line.kept[-1].head), office.zone)
    readings = [one for sent in line.kept for one in reader.read(sent.record).readings]
    names = dict.fromkeys(pollutant_name(one.pollutant, language) for one in readings)
    systems = {sent.head.st for sent in line.kept}
    return UnknownLine(
        mn=line.mn,
        first=line.first,
        last=line.last,
        frames=line.frames,
        peers=list(line.peers)[::-1],
        commands=[command for command, _ in line.commands.most_common()],
        pollutants=list(names)[:12],
        outlet=not systems.isdisjoint({"31", "32", "39"}),
        rhythm=_rhythm([(one.interval, one.start) for one in readings]),
        password_set=any(sent.head.pw for sent in line.kept),
    )


def _rhythm(starts: list[tuple[str, datetime]]) -> dict[str, int]:
    """The shortest step between the periods that a logger reported, by interval."""
    found = {}
    for interval in dict.fromkeys(name for name, _ in starts):
        instants = sorted({start for name, start in starts if name == interval})
        steps = [int((after - before).total_seconds()) for before, after in itertools.pairwise(instants)]
        if steps:
            found[interval] = min(steps)
    return found

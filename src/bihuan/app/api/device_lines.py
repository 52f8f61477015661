"""What the pages of devices show: the models, and how a line of the journal becomes words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel, Field

from bihuan.app.access import Session
from bihuan.app.api.alarms import pollutant_name
from bihuan.app.api.errors import Refused
from bihuan.app.api.office import Office
from bihuan.app.linebook import FrameReader, Line, Sent, shown, stranger
from bihuan.core import Decoded, Language, NotCovered, Ref, pollutant, text
from bihuan.register import Device
from bihuan.store import Record


class ComplaintCount(BaseModel):
    """One kind of complaint among the last frames."""

    reason: str
    words: str
    frames: int


class DeviceLine(BaseModel):
    """One logger as the list shows it."""

    mn: str
    site: str
    site_name: str
    district: str
    protocol: str
    strictness: str
    maintainer: str
    rhythm: dict[str, int] = Field(description="seconds between reports by interval")
    heard: datetime | None = Field(description="when its last frame came; null when none was found")
    silent: float | None = Field(description="seconds since then")
    missed: int | None = Field(description="reports of its shortest rhythm that fit into the silence")
    frames: int = Field(description="frames looked through")
    interval: str = Field(description="interval that is counted today, empty without a rhythm")
    due: int | None
    received: int | None
    efficiency: float | None = Field(description="today's transmission times validity, 0 to 1")
    complaints: list[ComplaintCount] = Field(description="of the last frames")
    host: str = Field(description="other host of the lake that hears it, where its raw frames lie; empty: this one")


class DeviceList(BaseModel):
    """Every logger that the session may see."""

    as_of: datetime
    since: datetime | None = Field(description="frames before it were not looked through")
    kept: int = Field(description="how many last frames of each logger the complaints are of")
    unknown: int = Field(description="loggers that wait to be claimed")
    devices: list[DeviceLine]


class ReadingLine(BaseModel):
    """One decoded value."""

    pollutant: str
    name: str
    stat: str
    interval: str
    start: datetime
    end: datetime
    value: float | None
    unit: str
    mark: str
    quality: str
    reason: str


class ComplaintLine(BaseModel):
    """One complaint about a frame in plain words."""

    reason: str
    words: str
    advice: str = Field(description="what to do at the logger, empty when nobody need do anything")
    detail: str
    where: str
    severity: str


class NoteLine(BaseModel):
    """One thing that a device says of itself."""

    kind: str
    words: str
    at: datetime | None
    about: str
    values: list[str]


class FrameLine(BaseModel):
    """One frame as it came, its password masked."""

    id: str
    received: datetime
    peer: str
    status: str
    status_words: str
    command: str
    command_words: str
    raw: str
    readings: list[ReadingLine]
    notes: list[NoteLine]
    complaints: list[ComplaintLine]


class FrameList(BaseModel):
    """The last frames of a logger, the newest first."""

    mn: str
    known: bool
    device: DeviceLine | None
    since: datetime | None
    frames: list[FrameLine]


class UnknownLine(BaseModel):
    """A logger that nobody has registered yet (待认领)."""

    mn: str
    first: datetime
    last: datetime
    frames: int
    peers: list[str]
    commands: list[str]
    pollutants: list[str]
    outlet: bool = Field(description="what it sends looks like an outlet's")
    rhythm: dict[str, int] = Field(description="as its frames come")
    password_set: bool


class UnknownList(BaseModel):
    """待认领设备, and the bytes that name no logger."""

    since: datetime | None
    devices: list[UnknownLine]
    noise: list[FrameLine]


def sees_device(session: Session, device: Device, office: Office) -> bool:
    """Say whether a person may see a logger: maintainers their own, people of a district those of its sites."""
    person = session.person
    if set(person.roles) == {"maintainer"}:
        return device.maintainer == person.unit
    fact = office.register.resolve(Ref.parse(device.site), office.town.on) if person.district else None
    return not person.district or getattr(fact, "district", "") == person.district


def seen_device(mn: str, session: Session, office: Office) -> Device | None:
    """Return a logger of the register, None when there is none.

    Raises
    ------
    Refused
        403 outside the person's area; of unknown loggers only who may claim them sees anything.
    """
    device = office.town.devices.get(mn)
    if sees_device(session, device, office) if device else not session.person.district and session.may("device.claim"):
        return device
    raise Refused(403, "device_area", f"device {mn!r} is outside the area of {session.login}")


def frame_lines(kept: Iterable[Sent], device: Device, office: Office, language: Language) -> list[FrameLine]:
    """Return frames of one logger in words, the newest first; they are decoded in their order."""
    reader = FrameReader(device, office.zone)
    outlet = device.site.startswith("outlet:")
    lines = [frame_line(sent.record, reader.read(sent.record), sent.head.cn, outlet, language) for sent in kept]
    return lines[::-1]


def noise_lines(line: Line | None, office: Office, language: Language) -> list[FrameLine]:
    """Return bytes that name no logger."""
    return frame_lines(line.kept, stranger("", line.kept[0].head), office, language) if line else []


def frame_line(record: Record, said: Decoded, command: str, outlet: bool, language: Language) -> FrameLine:
    """Return one frame in words."""
    return FrameLine(
        id=record.frame,
        received=record.received,
        peer=record.peer,
        status=record.status,
        status_words=text(f"onboarding.status_{record.status}", language),
        command=command,
        command_words=_known(f"onboarding.cn_{command}", language),
        raw=shown(record.raw),
        readings=[
            ReadingLine(
                pollutant=one.pollutant,
                name=pollutant_name(one.pollutant, language),
                stat=one.stat,
                interval=one.interval,
                start=one.start,
                end=one.end,
                value=one.value,
                unit=_unit(one.pollutant, outlet),
                mark=one.mark,
                quality=one.quality,
                reason=one.reason,
            )
            for one in said.readings
        ],
        notes=[
            NoteLine(
                kind=one.kind,
                words=_known(f"device_note.{one.kind}", language) or one.kind,
                at=one.at,
                about=one.about,
                values=[f"{name}={value}" for name, value in one.values],
            )
            for one in said.notes
        ],
        complaints=[
            ComplaintLine(
                reason=one.reason,
                words=complaint_words(one.reason, language),
                advice=_known(f"onboarding.do_{one.reason}", language),
                detail=one.detail,
                where=one.where,
                severity=one.severity,
            )
            for one in said.complaints
        ],
    )


def complaint_words(reason: str, language: Language) -> str:
    """Return what a complaint is called, its code where there are no words."""
    return _known(f"complaint.{reason}", language) or reason


def _unit(code: str, outlet: bool) -> str:
    try:
        about = pollutant(code)
    except NotCovered:
        return ""
    return about.outlet_unit if outlet else about.unit


def _known(key: str, language: Language) -> str:
    try:
        return text(key, language)
    except NotCovered:
        return ""

"""Gaps, times on line and transmission of loggers; automatic recall switched on and off."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from bihuan.app.access import Session
from bihuan.app.api.cases import as_json
from bihuan.app.api.change_lines import SettingChangeLine, change_line
from bihuan.app.api.device_lines import seen_device, sees_device
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.gapkeeping import gaps_of, judged_of, learner_of, owed_of
from bihuan.app.presence import Double, Spell, doubles_of, spells_of
from bihuan.app.recall import COMMANDS, SETTING, RecallSettings, recall_settings
from bihuan.app.settingbook import changes_of
from bihuan.app.transmission import MonthOfDevice, Sums, month_of
from bihuan.core import Language, Period, Ref, local_day, plain, to_json
from bihuan.observations import Gap
from bihuan.register import Device
from bihuan.store import CitySetting, Entry

router = APIRouter(prefix="/api", tags=["gaps"], responses=PROBLEMS)  # type: ignore[arg-type]

Reader = Annotated[Session, needs("device.read")]
Switcher = Annotated[Session, needs("device.recall")]
State = Literal["open", "recalled", "filled", "given_up"]
Level = Literal["device", "site", "unit", "city"]

SHOWN = 200
"""Gaps that an answer lists, the newest."""

FIGURES = ("devices", "due", "received", "late", "values", "good", "transmission", "validity", "efficiency")

CHANGES = 50
"""Changes of settings shown of one logger."""

LOOKED_BACK = timedelta(days=90)
"""Times on line and doubles shown of one logger."""


class SpanShown(BaseModel):
    """A stretch of time."""

    start: datetime
    end: datetime


class AskedShown(SpanShown):
    """One recall and the order that carried it."""

    order: str
    at: datetime


class GapShown(BaseModel):
    """Reports that did not come when they were due."""

    id: str
    device: str
    site: str
    site_name: str
    interval: str
    seconds: int
    learnt: bool
    start: datetime
    end: datetime
    lost: int = Field(description="reports that were missing at first")
    missing: int = Field(description="of them those that are missing still")
    left: list[SpanShown] = Field(description="where these lie; twenty at most")
    state: State
    resent: int
    recalled: int
    asked: list[AskedShown]
    next_try: datetime | None
    closed: datetime | None


class Gaps(BaseModel):
    """Gaps of every logger that the session may see, the newest first."""

    as_of: datetime
    judged: dict[str, datetime] = Field(description="up to where gaps were looked for, by interval")
    counts: dict[str, int] = Field(description="of those listed, by state")
    missing: int
    more: bool = Field(description="whether there are older ones that are not listed")
    gaps: list[GapShown]


class RhythmShown(BaseModel):
    """What a logger owes, and whether somebody told so or its reports show it."""

    interval: str
    seconds: int
    learnt: bool


class SpellShown(BaseModel):
    """A time on line: from the first frame to the last, from one address."""

    peer: str
    first: datetime
    last: datetime
    frames: int
    connections: int
    why: str = Field(description="silent, moved, or empty while it lasts")


class DoubleShown(BaseModel):
    """Two peers that spoke under one MN at the same time."""

    device: str
    peers: list[str]
    seen: list[datetime]
    first: datetime
    last: datetime
    times: int


class DeviceWatch(BaseModel):
    """What one logger owed and did not send, and when it was there."""

    mn: str
    rhythm: list[RhythmShown]
    judged: dict[str, datetime]
    recall: bool = Field(description="whether gaps of it are recalled by themselves")
    gaps: list[GapShown]
    spells: list[SpellShown]
    doubles: list[DoubleShown]
    changes: list[SettingChangeLine] = Field(description="of settings and states, the newest first")


class RecallAsked(BaseModel):
    """Recall of one logger, on or off, and why."""

    on: bool
    reason: str = Field(min_length=2, max_length=200)


class MonthLine(BaseModel):
    """Sums and shares of one logger, site, maintainer or the city."""

    ref: str
    name: str
    interval: str = Field(description="whose reports are counted; empty for a group or without a rhythm")
    seconds: int
    learnt: bool
    devices: int
    due: int
    received: int
    late: int
    values: int
    good: int
    transmission: float | None
    validity: float | None
    efficiency: float | None


class DeviceMonth(BaseModel):
    """Transmission of loggers in a month."""

    month: str
    by: Level
    until: dict[str, datetime] = Field(description="reports before this are counted, by interval")
    lines: list[MonthLine]


@router.get("/devices/{mn}/watch")
def device_watch(mn: str, office: TheOffice, session: Reader, language: TheLanguage) -> DeviceWatch:
    """Tell what a logger owes and did not send, when it was on line, and whether its gaps are recalled."""
    device = _device(mn, session, office)
    records, since = office.store.records, office.now - LOOKED_BACK
    told = recall_settings(office.store.settings, office.now, office.zone)
    owed = owed_of(device, office.zone, office.now, learner_of(records))
    judged = judged_of(records)
    return DeviceWatch(
        mn=mn,
        rhythm=[RhythmShown(interval=one.interval, seconds=one.seconds, learnt=one.learnt) for one in owed],
        judged={str(name): at for name, at in judged.items() if name in COMMANDS or name in device.rhythm},
        recall=told.on and mn not in told.off,
        gaps=[_gap(one, office, language) for one in gaps_of(records, [mn], limit=SHOWN)],
        spells=[_spell(one) for one in spells_of(records, mn, since)],
        doubles=[double_shown(one) for one in doubles_of(records, mn, since)],
        changes=[change_line(one, office, language) for one in changes_of(records, mn, CHANGES)],
    )


@router.put("/devices/{mn}/recall")
def device_recall(
    mn: str, asked: RecallAsked, office: TheOffice, session: Switcher, language: TheLanguage
) -> DeviceWatch:
    """Switch automatic recall of one logger on or off: a setting of the city with author and reason."""
    device = _device(mn, session, office)
    store, now = office.store, office.now
    with store.step, store.records.transaction():
        told = recall_settings(store.settings, now, office.zone)
        off = sorted(set(told.off) - {mn} if asked.on else {*told.off, mn})
        value = plain(RecallSettings(True if asked.on else told.on, off, told.at_once, told.reports, told.days))
        store.settings.set(CitySetting(SETTING, value, office.today, session.person.id, asked.reason, now))
        body = to_json({"on": asked.on, "reason": asked.reason})
        store.ledger.add(Entry(now, session.person.id, "recall.on" if asked.on else "recall.off", f"device:{mn}", body))
    office.live.tell("device", id=mn)
    return device_watch(device.id, office, session, language)


@router.get("/gaps", responses={200: {"model": Gaps}}, response_class=Response)
def gap_list(
    office: TheOffice,
    session: Reader,
    language: TheLanguage,
    state: Annotated[list[State] | None, Query(description="open and recalled without it")] = None,
    since: Annotated[datetime | None, Query(description="gaps that began at or after it")] = None,
) -> Response:
    """List gaps of the loggers that the session may see, the newest first."""
    mine = _mine(office, session)
    whole = len(mine) == len(office.town.devices)
    devices = None if whole else sorted(mine)
    found = gaps_of(office.store.records, devices, states=state or ("open", "recalled"), since=since, limit=SHOWN + 1)
    found = [one for one in found if one.device in mine]
    gaps = [_gap(one, office, language) for one in found[:SHOWN]]
    return as_json(
        Gaps(
            as_of=office.now,
            judged={str(name): at for name, at in judged_of(office.store.records).items()},
            counts={name: sum(one.state == name for one in gaps) for name in dict.fromkeys(one.state for one in gaps)},
            missing=sum(one.missing for one in gaps),
            more=len(found) > SHOWN,
            gaps=gaps,
        )
    )


@router.get("/transmission/devices", responses={200: {"model": DeviceMonth}}, response_class=Response)
def transmission_devices(
    office: TheOffice,
    session: Reader,
    language: TheLanguage,
    month: Annotated[str | None, Query(pattern=r"^\d{4}-\d{2}$", description="2026-11; this month without it")] = None,
    by: Level = "device",
) -> Response:
    """Give 传输率, 有效率, 传输有效率 of loggers in a month with their numbers, by logger, site, maintainer or city."""
    first = office.today.replace(day=1) if month is None else _first_day(month)
    after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    period = Period(local_day(first, office.zone).start, local_day(after, office.zone).start)
    rows = month_of(office.store, _mine(office, session).values(), period, office.now, office.zone)
    until = {str(name): min(at, period.end) for name, at in judged_of(office.store.records).items()}
    lines = _lines(rows, by, office, language)
    return as_json(DeviceMonth(month=f"{first:%Y-%m}", by=by, until=until, lines=lines))


def _device(mn: str, session: Session, office: Office) -> Device:
    device = seen_device(mn, session, office)
    if device is None:
        raise Refused(404, "no_device", f"device {mn!r} is not in the register")
    return device


def _mine(office: Office, session: Session) -> dict[str, Device]:
    return {mn: one for mn, one in office.town.devices.items() if sees_device(session, one, office)}


def _first_day(month: str) -> date:
    try:
        return date.fromisoformat(f"{month}-01")
    except ValueError:
        raise Refused(422, "input", f"month {month!r} cannot be read: write 2026-11", ["month"]) from None


def _lines(rows: Iterable[MonthOfDevice], by: Level, office: Office, language: Language) -> list[MonthLine]:
    """One line a logger or group, the worst first; sums are of counts, never of shares."""
    groups: dict[str, tuple[Sums, MonthOfDevice]] = {}
    for row in rows:
        keys = {"device": f"device:{row.device.id}", "site": row.device.site, "city": str(office.town.ref)}
        key = keys.get(by, f"unit:{row.device.maintainer or '-'}")
        sums, _ = groups.setdefault(key, (Sums(), row))
        sums.add(row.sums)
    told = [_line(key, sums, row if by == "device" else None, office, language) for key, (sums, row) in groups.items()]
    return sorted(told, key=lambda one: (one.efficiency is None, one.efficiency or 0.0, one.ref))


def _line(key: str, sums: Sums, row: MonthOfDevice | None, office: Office, language: Language) -> MonthLine:
    name = "" if key == "unit:-" else office.name(Ref.parse(row.device.site if row else key), language)
    counts: dict[str, Any] = {
        one: getattr(sums, one) for one in ("devices", "due", "received", "late", "values", "good")
    }
    shares: dict[str, Any] = {one: getattr(sums, one) for one in ("transmission", "validity", "efficiency")}
    owed = (row.interval, row.seconds, row.learnt) if row else ("", 0, False)
    return MonthLine(ref=key, name=name, interval=owed[0], seconds=owed[1], learnt=owed[2], **counts, **shares)


def _gap(gap: Gap, office: Office, language: Language) -> GapShown:
    names = ("id", "device", "site", "interval", "seconds", "learnt", "start", "end", "lost", "missing", "state")
    kept: dict[str, Any] = {name: getattr(gap, name) for name in (*names, "resent", "recalled", "next_try", "closed")}
    return GapShown(
        site_name=office.name(Ref.parse(gap.site), language),
        left=[SpanShown(start=a, end=b) for a, b in gap.left[:20]],
        asked=[AskedShown(order=one.order, at=one.at, start=one.start, end=one.end) for one in gap.asked],
        **kept,
    )


def _spell(one: Spell) -> SpellShown:
    names = ("peer", "first", "last", "frames", "connections", "why")
    return SpellShown(**{name: getattr(one, name) for name in names})


def double_shown(one: Double) -> DoubleShown:
    """Return a double as pages show it."""
    names = ("device", "peers", "seen", "first", "last", "times")
    return DoubleShown(**{name: getattr(one, name) for name in names})

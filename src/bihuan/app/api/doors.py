"""What further doors brought of a site besides its values: vehicles at a gate, electricity, videos, tracks."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from bihuan.app.access import Session
from bihuan.app.api.alarms import pollutant_name
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.api.sites import allowed
from bihuan.app.sightings import KeptPassage, KeptPicture, KeptTrack
from bihuan.core import DAY, Language, NotCovered, Period, Reading, Ref, from_json, pollutant, text
from bihuan.devices.electricity import line_of, line_states, states
from bihuan.store import Row

router = APIRouter(prefix="/api", tags=["sites"], responses=PROBLEMS)  # type: ignore[arg-type]

Reader = Annotated[Session, needs("site.read")]

PAST = DAY
"""How far back vehicles, lines and tracks are told."""

PICTURES = 6
POINTS = 2000
"""Points of a track that a page draws; of a longer one every n-th."""

LISTED = 200


class StageCount(BaseModel):
    """Vehicles of one emission stage."""

    stage: str = Field(description="a digit, or unknown")
    words: str
    vehicles: int


class LineView(BaseModel):
    """How a production line and its treatment stood over a while."""

    line: str
    work: str
    words: str
    start: datetime
    end: datetime
    production: float | None = Field(description="mean power [kW]")
    control: float | None = Field(description="mean power [kW]")
    held: bool = Field(description="whether it lasted as long as the threshold asks for")
    status: str = Field(description="of the thresholds; unconfirmed ones decide nothing")


class Tracked(BaseModel):
    """A pollutant of which there is a track."""

    code: str
    name: str


class PictureView(BaseModel):
    """A video's address and its last picture."""

    id: str
    at: datetime
    url: str
    title: str
    picture: bool = Field(description="whether a picture came with it")


class SiteDoors(BaseModel):
    """Everything that is no value of the site; each part empty where nothing of it came."""

    since: datetime
    passages: int
    stages: list[StageCount]
    lines: list[LineView]
    lines_source: str
    pictures: list[PictureView]
    tracks: int = Field(description="pieces of tracks")
    track_pollutants: list[Tracked]


class PassageView(BaseModel):
    """One vehicle; its plate was masked or hashed before it was stored."""

    at: datetime
    plate: str
    direction: str
    stage: str
    fuel: str
    vehicle: str
    mass: float | None
    lane: str


class TrackView(BaseModel):
    """One pollutant along the tracks of a day."""

    pollutant: str
    name: str
    unit: str
    at: list[datetime]
    lon: list[float]
    lat: list[float]
    value: list[float | None]
    points: int = Field(description="that there are; `at` holds every n-th of many")


@router.get("/sites/{ref}/doors")
def site_doors(ref: str, office: TheOffice, session: Reader, language: TheLanguage) -> SiteDoors:
    """Tell what came of a site besides its values over the last day."""
    site, since = allowed(ref, office, session), office.now - PAST
    passages = Counter(row.state for row in _found(office, "passage", site, since))
    tracks = [from_json(row.body, KeptTrack) for row in _found(office, "track", site, since)]
    pictures = office.store.records.find("picture", subject=str(site), newest_first=True, limit=200)
    return SiteDoors(
        since=since,
        passages=passages.total(),
        stages=[
            StageCount(stage=stage, words=_stage(stage, language), vehicles=count)
            for stage, count in sorted(passages.items())
        ],
        lines=_lines(office, site, since, language),
        lines_source=states().source,
        pictures=_pictures(pictures),
        tracks=len(tracks),
        track_pollutants=[
            Tracked(code=code, name=pollutant_name(code, language))
            for code in sorted({code for track in tracks for code in track.pollutants})
        ],
    )


@router.get("/sites/{ref}/passages")
def site_passages(ref: str, office: TheOffice, session: Reader) -> list[PassageView]:
    """List the last vehicles at a gate; who looked stands in the ledger."""
    site, since = allowed(ref, office, session), office.now - PAST
    rows = _found(office, "passage", site, since)[-LISTED:]
    office.audit(session, "read_passages", site, {"rows": len(rows)})
    kept = [from_json(row.body, KeptPassage) for row in reversed(rows)]
    return [PassageView(**{name: getattr(one, name) for name in PassageView.model_fields}) for one in kept]


@router.get("/sites/{ref}/track")
def site_track(
    ref: str,
    office: TheOffice,
    session: Reader,
    language: TheLanguage,
    pollutant: Annotated[str, Query(max_length=40)] = "pm25",
) -> TrackView:
    """Return one pollutant along the tracks of the last day, in order of time."""
    site = allowed(ref, office, session)
    points: dict[datetime, tuple[float, float, float | None]] = {}
    for row in _found(office, "track", site, office.now - PAST):
        track = from_json(row.body, KeptTrack)
        if pollutant in track.pollutants:
            at = track.pollutants.index(pollutant)
            points |= {instant: (lon, lat, values[at]) for instant, lon, lat, _, values in track.points}
    if not points:
        raise Refused(404, "no_track", f"no track of {ref} with {pollutant} on the last day", ["pollutant"])
    ordered = sorted(points.items())
    shown = ordered[:: max(1, -(-len(ordered) // POINTS))]
    return TrackView(
        pollutant=pollutant,
        name=pollutant_name(pollutant, language),
        unit=_unit(pollutant),
        at=[at for at, _ in shown],
        lon=[lon for _, (lon, _, _) in shown],
        lat=[lat for _, (_, lat, _) in shown],
        value=[value for _, (_, _, value) in shown],
        points=len(ordered),
    )


@router.get("/sites/{ref}/pictures/{ident}", response_class=Response)
def site_picture(ref: str, ident: str, office: TheOffice, session: Reader) -> Response:
    """Show the picture that came with a video's address."""
    site = allowed(ref, office, session)
    row = office.store.records.get("picture", ident[:64])
    kept = from_json(row.body, KeptPicture) if row is not None and row.subject == str(site) else None
    if kept is None or not kept.digest:
        raise Refused(404, "no_picture", f"no picture {ident[:40]!r} of {ref} is kept", ["ident"])
    try:
        data = office.store.blobs.get(kept.digest)
    except NotCovered:
        raise Refused(404, "no_picture", f"only the digest {kept.digest} is known here, not the picture") from None
    headers = {"Cache-Control": "private, max-age=3600", "ETag": f'"{kept.digest}"'}
    return Response(data, media_type=kept.media_type, headers=headers)


def _found(office: Office, kind: str, site: Ref, since: datetime) -> list[Row]:
    return office.store.records.find(kind, subject=str(site), since=since)


def _pictures(rows: list[Row]) -> list[PictureView]:
    """The last picture of each address, the newest first."""
    newest: dict[str, PictureView] = {}
    for row in rows:
        one = from_json(row.body, KeptPicture)
        if one.url not in newest:
            told = {"at": one.at, "url": one.url, "title": one.title, "picture": bool(one.digest)}
            newest[one.url] = PictureView(id=row.id, **told)  # type: ignore[arg-type]
    return list(newest.values())[:PICTURES]


def _lines(office: Office, site: Ref, since: datetime, language: Language) -> list[LineView]:
    """The last state of every line; one that produced uncontrolled for long enough comes before it."""
    meters = [one for one in office.register.devices_of(site, office.town.on) if line_of(one) is not None]
    if not meters:
        return []
    period = Period(since, office.now + timedelta(minutes=1))
    rows = office.store.series.readings([one.id for one in meters], ["power"], "minute", period)
    readings = [Reading(**row) for row in rows.drop("revision").iter_rows(named=True)]
    found = line_states(meters, readings)
    last = {one.line: one for one in found}
    wanted = [one for one in found if (one.work == "uncontrolled" and one.held) or one is last[one.line]]
    return [
        LineView(
            line=one.line,
            work=one.work,
            words=text(f"doors.work_{one.work}", language),
            start=one.start,
            end=one.end,
            production=one.production,
            control=one.control,
            held=one.held,
            status=one.status,
        )
        for one in sorted(wanted, key=lambda one: (one.line, one.start))
    ]


def _stage(stage: str, language: Language) -> str:
    return text("doors.stage_unknown" if stage == "unknown" else "doors.stage", language, stage=stage)


def _unit(code: str) -> str:
    try:
        return pollutant(code).unit
    except NotCovered:
        return ""

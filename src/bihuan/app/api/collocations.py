"""Collocations (比对) over the interface: a sensor beside a reference, its course, and what comes of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import numpy as np
import polars as pl
from fastapi import APIRouter
from pydantic import BaseModel, Field

from bihuan.app.access import Session
from bihuan.app.api.alarms import pollutant_name
from bihuan.app.api.device_lines import seen_device
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.collocating import Collocations
from bihuan.core import Language, Ref, pollutant, printed_unit, text
from bihuan.observations import Collocation, judge_collocation
from bihuan.register import Device, Station

router = APIRouter(prefix="/api/devices", tags=["collocations"], responses=PROBLEMS)  # type: ignore[arg-type]

Reader = Annotated[Session, needs("device.read")]
Judge = Annotated[Session, needs("device.collocate")]

SHOWN = 1000
"""Pairs that the course draws at most; of more, every second, third ... is drawn."""

CODES = ("pm25", "pm10", "so2", "no2", "co", "o3", "nmhc", "tsp")


class CollocationChoice(BaseModel):
    """Something that can be chosen."""

    code: str
    words: str


class StepLine(BaseModel):
    """What a person did."""

    state: str
    words: str
    by: str
    at: datetime
    reason: str


class CollocationLine(BaseModel):
    """One collocation as it stands."""

    id: str
    pollutant: str
    pollutant_name: str
    unit: str
    reference: str
    reference_name: str
    start: datetime
    end: datetime
    state: str
    state_words: str
    finding: str = Field(description="why it failed, in words; empty otherwise")
    valid_from: datetime | None
    valid_until: datetime | None
    uncertainty: float | None = Field(description="half width that held the promised share of unseen errors")
    form: str = Field(description="in words; empty before it was judged")
    steps: list[StepLine]


class CollocationList(BaseModel):
    """Collocations of one device, the newest first, and what one can be planned with."""

    mn: str
    site: str
    may_judge: bool
    pollutants: list[CollocationChoice]
    references: list[CollocationChoice]
    collocations: list[CollocationLine]


class FormLine(BaseModel):
    """A form of calibration that was tried, scored on hours it had not seen."""

    form: str
    words: str
    r2: float
    rmse: float
    chosen: bool


class PairLine(BaseModel):
    """An hour of both, and what the calibration would make of it."""

    start: datetime
    raw: float
    reference: float
    humidity: float | None
    calibrated: float | None
    residual: float | None


class Course(BaseModel):
    """How far a collocation has come, and what would come of it now; nothing is stored."""

    collocation: CollocationLine
    pairs: int
    hours: int = Field(description="of the planned time that is over")
    with_humidity: int
    humidity_low: float | None
    humidity_high: float | None
    verdict: str = Field(description="passed or failed if it were judged now; empty before it runs")
    verdict_words: str
    uncertainty: float | None
    forms: list[FormLine]
    shown: list[PairLine]


class PlanAsked(BaseModel):
    """A collocation to begin now."""

    pollutant: str = Field(max_length=16)
    reference: str = Field(max_length=80, description="station:...")


class ReasonAsked(BaseModel):
    """Why a calibration is refused or ended."""

    reason: str = Field(min_length=2, max_length=500)


@router.get("/{mn}/collocations")
def collocations(mn: str, office: TheOffice, session: Reader, language: TheLanguage) -> CollocationList:
    """List the collocations of a sensor, and the stations it could stand beside."""
    device = _device(mn, session, office)
    found = Collocations(office.store).of([mn])
    return CollocationList(
        mn=mn,
        site=device.site,
        may_judge=session.may("device.collocate"),
        pollutants=[CollocationChoice(code=code, words=pollutant_name(code, language)) for code in CODES],
        references=[
            CollocationChoice(code=f"station:{one.id}", words=office.name(Ref("station", one.id), language))
            for one in office.town.stations
            if one.official and f"station:{one.id}" != device.site
        ],
        collocations=[_line(one, office, language) for one in reversed(found)],
    )


@router.post("/{mn}/collocations", status_code=201)
def collocation_begin(
    mn: str, asked: PlanAsked, office: TheOffice, session: Judge, language: TheLanguage
) -> CollocationList:
    """Begin one: the sensor stands beside its reference from now on."""
    device = _device(mn, session, office)
    reference = Ref.parse(asked.reference)
    if asked.pollutant not in CODES:
        raise Refused(422, "input", f"pollutant {asked.pollutant!r} is none of {', '.join(CODES)}", ["pollutant"])
    if office.town.register.get(Station, reference.id, office.today) is None or asked.reference == device.site:
        raise Refused(422, "input", f"reference {asked.reference!r} is no other station of the register", ["reference"])
    held = Collocations(office.store)
    running = [one for one in held.of([mn]) if one.pollutant == asked.pollutant and one.state in ("planned", "running")]
    if running:
        raise Refused(409, "collocation_runs", f"a collocation of {asked.pollutant} at {mn} runs already: end it first")
    made = held.plan(mn, asked.pollutant, reference, office.now, session.person.id, office.now)
    held.begin(made.id, session.person.id, office.now)
    office.live.tell("device", id=mn)
    return collocations(mn, office, session, language)


@router.get("/{mn}/collocations/{ident}")
def collocation_course(mn: str, ident: str, office: TheOffice, session: Reader, language: TheLanguage) -> Course:
    """Tell how far a collocation has come: pairs, fit, humidity, residuals, and what would come of it now."""
    device = _device(mn, session, office)
    held = Collocations(office.store)
    one = _one(held, mn, ident)
    table = held.pairs(one, device.site)
    table = table.filter(
        (pl.col("start") < office.now) & pl.col("raw").is_not_null() & pl.col("reference").is_not_null()
    )
    judged = one if one.calibration is not None or one.state != "running" else _judged(one, table, office)
    return _course(one, judged, table, office, language)


@router.post("/{mn}/collocations/{ident}/accept")
def collocation_accept(
    mn: str, ident: str, office: TheOffice, session: Judge, language: TheLanguage
) -> CollocationList:
    """Judge it on what was measured side by side; a passed one applies from now on."""
    device = _device(mn, session, office)
    held = Collocations(office.store)
    _one(held, mn, ident)
    held.judge(ident, device.site, session.person.id, office.now)
    office.live.tell("device", id=mn)
    return collocations(mn, office, session, language)


@router.post("/{mn}/collocations/{ident}/refuse")
def collocation_refuse(
    mn: str, ident: str, asked: ReasonAsked, office: TheOffice, session: Judge, language: TheLanguage
) -> CollocationList:
    """Refuse it, or end its calibration before its time, with a reason that goes into the ledger."""
    _device(mn, session, office)
    held = Collocations(office.store)
    _one(held, mn, ident)
    held.withdraw(ident, session.person.id, office.now, asked.reason)
    office.live.tell("device", id=mn)
    return collocations(mn, office, session, language)


def _device(mn: str, session: Session, office: Office) -> Device:
    device = seen_device(mn, session, office)
    if device is None:
        raise Refused(404, "no_device", f"device {mn!r} is not in the register")
    return device


def _one(held: Collocations, mn: str, ident: str) -> Collocation:
    found = next((one for one in held.of([mn]) if one.id == ident), None)
    if found is None:
        raise Refused(404, "no_collocation", f"device {mn} has no collocation {ident[:40]!r}")
    return found


def _judged(one: Collocation, table: pl.DataFrame, office: Office) -> Collocation:
    """What would come of it now; few pairs make it fail, and that is said so."""
    return judge_collocation(one, table, "preview", office.now)


def _line(one: Collocation, office: Office, language: Language) -> CollocationLine:
    state = one.state_at(office.now)
    made = one.calibration
    return CollocationLine(
        id=one.id,
        pollutant=one.pollutant,
        pollutant_name=pollutant_name(one.pollutant, language),
        unit=printed_unit(pollutant(one.pollutant).unit),
        reference=str(one.reference),
        reference_name=office.name(one.reference, language),
        start=one.period.start,
        end=one.period.end,
        state=state,
        state_words=text(f"collocation.state_{state}", language),
        finding=text(f"collocation.finding_{one.finding}", language) if one.finding else "",
        valid_from=one.valid.start if one.valid else None,
        valid_until=one.valid.end if one.valid else None,
        uncertainty=made.uncertainty if made else None,
        form=text(f"collocation.form_{made.form}", language) if made else "",
        steps=[
            StepLine(
                state=step.state,
                words=text(f"collocation.state_{step.state}", language),
                by=office.name(Ref("person", step.by), language),
                at=step.at,
                reason=step.reason,
            )
            for step in one.steps
        ],
    )


def _course(one: Collocation, judged: Collocation, table: pl.DataFrame, office: Office, language: Language) -> Course:
    made = judged.calibration
    raw, reference = table["raw"].to_numpy(), table["reference"].to_numpy()
    humidity = table["humidity"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    temperature = table["temperature"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    value = made(raw, humidity, temperature) if made else np.full(len(raw), np.nan)
    known = humidity[np.isfinite(humidity)]
    passed = judged.state == "passed"
    verdict = "" if judged.state not in ("passed", "failed") else judged.state
    finding = text(f"collocation.finding_{judged.finding}", language) if judged.finding else ""
    step = max(1, -(-len(raw) // SHOWN))
    return Course(
        collocation=_line(one, office, language),
        pairs=len(raw),
        hours=max(0, int((min(office.now, one.period.end) - one.period.start).total_seconds() // 3600)),
        with_humidity=len(known),
        humidity_low=float(known.min()) if len(known) else None,
        humidity_high=float(known.max()) if len(known) else None,
        verdict=verdict,
        verdict_words=text("collocation.would_pass", language) if passed else finding,
        uncertainty=made.uncertainty if made else None,
        forms=[
            FormLine(
                form=score.form,
                words=text(f"collocation.form_{score.form}", language),
                r2=score.r2,
                rmse=score.rmse,
                chosen=made is not None and score.form == made.form,
            )
            for score in (made.scores if made else ())
        ],
        shown=[
            PairLine(
                start=table["start"][at],
                raw=float(raw[at]),
                reference=float(reference[at]),
                humidity=_number(humidity[at]),
                calibrated=_number(value[at]),
                residual=_number(value[at] - reference[at]),
            )
            for at in range(0, len(raw), step)
        ],
    )


def _number(value: float) -> float | None:
    return round(float(value), 3) if np.isfinite(value) else None

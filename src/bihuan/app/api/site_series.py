"""What a station page draws: series with their flags, the limits of the day, wind, a calendar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

import polars as pl
from pydantic import BaseModel, Field

from bihuan.app.api.errors import Refused
from bihuan.app.api.office import Office
from bihuan.app.indexing import city_hours_of
from bihuan.assessment import CLASSES, daily_aqi, daily_means, hourly_aqi
from bihuan.core import (
    DAY,
    NATIONAL_SIX,
    InputError,
    Language,
    NotCovered,
    Period,
    Ref,
    Verdict,
    floor_to,
    from_json,
    local_date,
    local_day,
    parse_instant,
    pollutant,
    text,
    texts,
)
from bihuan.register import Outlet, Section
from bihuan.standards import lookup
from bihuan.store import apply_corrections, load_corrections

Span = Literal["minute", "hour", "day"]
LONGEST: dict[Span, timedelta] = {"minute": 8 * DAY, "hour": 400 * DAY, "day": 3700 * DAY}
"""What one picture can show, and one answer carry."""

USUAL: dict[Span, timedelta] = {"minute": DAY, "hour": 3 * DAY, "day": 60 * DAY}
"""Shown when nobody says from when."""

INDEX = "aqi"
WIND = ("wind_speed", "wind_from")


class LimitLine(BaseModel):
    """One limit of the law or of a permit, over the days it holds."""

    words: str
    value: float
    averaging: str
    standard: str
    clause: str
    status: str
    sense: str = Field(description="max, or min for what must not fall below")


class SeriesAnswer(BaseModel):
    """One pollutant at one site."""

    ref: str
    pollutant: str
    name: str
    unit: str
    interval: str
    start: list[datetime]
    end: list[datetime]
    value: list[float | None]
    quality: list[str]
    reason: list[str]
    origin: list[str]
    reasons: dict[str, str] = Field(description="words of the reasons that occur")
    limits: list[LimitLine]
    decimals: int


class WindAnswer(BaseModel):
    """Hours of wind at the site or at the nearest station that measures it."""

    ref: str
    name: str
    distance: float | None = Field(description="from the site, null where it measures wind itself [m]")
    start: list[datetime]
    speed: list[float | None]
    wind_from: list[float | None]


class DayCell(BaseModel):
    """One day of the calendar."""

    day: date
    aqi: int | None
    label: str
    primary: str


class CalendarAnswer(BaseModel):
    """The days of a year."""

    ref: str
    year: int
    kind: str = Field(description="aqi, class or verdict")
    days: list[DayCell]


@dataclass(frozen=True, slots=True)
class Asked:
    """One series as it is asked for."""

    ref: Ref
    code: str
    interval: Span
    period: Period


def asked_for(office: Office, ref: Ref, code: str, interval: str, since: str, until: str) -> Asked:
    """Read what a page asks for.

    Raises
    ------
    Refused
        422, if the pollutant or the interval is unknown or the period cannot be read, is empty or too long.
    """
    if interval not in LONGEST:
        raise Refused(
            422, "bad_interval", f"interval {interval!r} is unknown: write {', '.join(LONGEST)}", ["interval"]
        )
    span = interval
    if code != INDEX:
        try:
            pollutant(code)
        except NotCovered as problem:
            raise Refused(422, "bad_pollutant", str(problem), ["pollutant"]) from None
    elif span == "minute":
        raise Refused(422, "bad_interval", "an index is of an hour or a day: write hour or day", ["interval"])
    try:
        end = parse_instant(until, office.zone) if until else floor_to(office.now, timedelta(minutes=1))
        start = parse_instant(since, office.zone) if since else end - USUAL[span]
        period = Period(start, end)
    except (InputError, OverflowError) as problem:
        raise Refused(422, "bad_period", str(problem), ["from", "to"]) from None
    if period.length > LONGEST[span]:
        days = LONGEST[span].days
        raise Refused(422, "bad_period", f"{period} is longer than {days} days of {span} values", ["from", "to"])
    return Asked(ref, code, span, period)


# -- series -----------------------------------------------------------------------------------------------------------


def series_of(office: Office, asked: Asked, language: Language) -> SeriesAnswer:
    """Return a series with its flags and the limits that hold on its last day."""
    rows = _index_rows(office, asked) if asked.code == INDEX else _rows(office, asked)
    outlet = asked.ref.kind == "outlet"
    about = pollutant(asked.code) if asked.code != INDEX else None
    reasons = sorted({reason for reason in rows["reason"].to_list() if reason})
    return SeriesAnswer(
        ref=str(asked.ref),
        pollutant=asked.code,
        name=(about.zh if language == "zh" else about.en) if about else "AQI",
        unit=(about.outlet_unit if outlet else about.unit) if about else "",
        interval=asked.interval,
        start=rows["start"].to_list(),
        end=rows["end"].to_list(),
        value=rows["value"].to_list(),
        quality=rows["quality"].to_list(),
        reason=rows["reason"].to_list(),
        origin=rows["origin"].to_list(),
        reasons={reason: reason_words(reason, language) for reason in reasons},
        limits=limits_of(office, asked, language),
        decimals=about.decimals if about else 0,
    )


def reason_words(reason: str, language: Language) -> str:
    """Return the words of a reason, of a flag or of a verdict; the code itself where there are none."""
    for table in ("reason", "verdict"):
        words = texts(language).get(table, {}).get(reason)
        if words:
            return words
    return reason


def _rows(office: Office, asked: Asked) -> pl.DataFrame:
    """Rows of record with the corrections of people laid over them; of an outlet the folded mean where it has one."""
    store, site = office.store, str(asked.ref)
    if asked.interval == "minute":
        devices = [one.id for one in office.register.devices_of(asked.ref, office.town.on)]
        rows = store.series.readings(devices, [asked.code], "minute", asked.period) if devices else None
        if rows is None:
            return _nothing()
        rows = apply_corrections(rows, "readings", load_corrections(store.records, "readings", asked.period))
        origin = pl.col("origin")
    elif asked.ref.kind == "city" and asked.interval == "hour":
        return _city_rows(office, asked)
    else:
        read = store.series.hours if asked.interval == "hour" else store.series.days
        table: Literal["hours", "days"] = "hours" if asked.interval == "hour" else "days"
        rows = read([site], [asked.code], asked.period, of_record=True)
        rows = apply_corrections(rows, table, load_corrections(store.records, table, asked.period))
        origin = pl.col("basis")
    wanted = "zs_avg" if asked.ref.kind == "outlet" and "zs_avg" in rows["stat"] else "avg"
    rows = rows.filter(pl.col("stat") == wanted).unique("start", keep="first").sort("start")
    return rows.select("start", "end", "value", "quality", "reason", origin.alias("origin"))


def _city_rows(office: Office, asked: Asked) -> pl.DataFrame:
    wide = city_hours_of(office.store.series, office.town, [str(asked.ref)], asked.period)
    if asked.code not in wide.columns:
        return _nothing()
    quality = pl.when(pl.col(asked.code).is_null()).then(pl.lit("missing")).otherwise(pl.lit("good"))
    made = wide.select(
        "start",
        "end",
        pl.col(asked.code).alias("value"),
        quality.alias("quality"),
        pl.lit("").alias("reason"),
        pl.lit("hours").alias("origin"),
    )
    return made.sort("start")


def _index_rows(office: Office, asked: Asked) -> pl.DataFrame:
    judged = judged_rows(office, asked)
    if judged.is_empty():
        return _nothing()
    none = pl.col("aqi").is_null()
    return judged.sort("start").select(
        "start",
        "end",
        pl.col("aqi").cast(pl.Float64).alias("value"),
        pl.when(none).then(pl.lit("missing")).otherwise(pl.lit("good")).alias("quality"),
        "reason",
        pl.lit("model").alias("origin"),
    )


def judged_rows(office: Office, asked: Asked) -> pl.DataFrame:
    """Return the hourly or daily index over a period, as `assessment` gives it from the hours of record."""
    wide = city_hours_of(office.store.series, office.town, [str(asked.ref)], asked.period)
    if wide.is_empty():
        return wide
    if asked.interval == "hour":
        return hourly_aqi(wide, zone=office.zone)
    return daily_aqi(daily_means(wide.drop("level"), zone=office.zone), zone=office.zone)


def _nothing() -> pl.DataFrame:
    instant, words = pl.Datetime("us", "UTC"), pl.String()
    names = {"start": instant, "end": instant, "value": pl.Float64()}
    return pl.DataFrame(schema=pl.Schema({**names, "quality": words, "reason": words, "origin": words}))


# -- limits -----------------------------------------------------------------------------------------------------------


def limits_of(office: Office, asked: Asked, language: Language) -> list[LimitLine]:
    """Return the limits of the law or the permit that hold on the last day of a period."""
    on = local_date(asked.period.end - timedelta(seconds=1), office.zone)
    fact = office.register.resolve(asked.ref, on)
    if isinstance(fact, Outlet):
        return [
            LimitLine(
                words=text("station.limit_permit", language),
                value=limit.limit,
                averaging=limit.averaging,
                standard=limit.basis,
                clause="",
                status="",
                sense="max",
            )
            for limit in fact.limits
            if limit.pollutant == asked.code
        ]
    if isinstance(fact, Section):
        return list(_class_limits(fact, asked.code, on, language))
    return list(_air_limits(asked, on, language)) if asked.code in NATIONAL_SIX else []


def _air_limits(asked: Asked, on: date, language: Language) -> Iterator[LimitLine]:
    try:
        standard = lookup("GB 3095", on=on)
    except NotCovered:
        return
    wanted = ("day", "mda8") if asked.interval == "day" else ("hour", "day")
    rows = [row for row in standard.table("limits") if row.item == asked.code and row["averaging"] in wanted]
    for row in rows:
        yield LimitLine(
            words=text(f"station.limit_{row['averaging']}", language),
            value=float(row["grade2"]),
            averaging=row["averaging"],
            standard=standard.number,
            clause=row.clause,
            status=row.status,
            sense="max",
        )


def _class_limits(section: Section, code: str, on: date, language: Language) -> Iterator[LimitLine]:
    if section.target_class not in CLASSES[:5]:
        return
    try:
        standard = lookup("GB 3838", on=on)
    except NotCovered:
        return
    for row in standard.table("classes"):
        if row.item != code or row["water_body"] not in ("any", "river") or row["kind"] == "range":
            continue
        yield LimitLine(
            words=text("station.limit_class", language, grade=text(f"verdict.class_{section.target_class}", language)),
            value=float(row["classes"][CLASSES.index(section.target_class)]),
            averaging="",
            standard=standard.number,
            clause=row.clause,
            status=row.status,
            sense=row["kind"],
        )


# -- wind and calendar ------------------------------------------------------------------------------------------------


def wind_of(office: Office, ref: Ref, period: Period, language: Language) -> WindAnswer:
    """Return hours of wind: the site's own, else those of the nearest station that measures it."""
    place = office.register.place_of(ref, office.town.on) or office.town.centre
    sites = [str(ref), *(site for site in office.town.weather_sites if site != str(ref))]
    rows = office.store.series.hours(sites, WIND, period, stat="avg", of_record=True)
    having = set(rows.filter(pl.col("value").is_not_null())["site"].unique())
    near: list[tuple[float, str]] = []
    for site in sorted(having):
        there = office.register.place_of(Ref.parse(site), office.town.on)
        if there is not None:
            near.append((0.0 if site == str(ref) else place.distance(there), site))
    if not near:
        return WindAnswer(ref="", name="", distance=None, start=[], speed=[], wind_from=[])
    distance, site = min(near)
    own = rows.filter(pl.col("site") == site).pivot("pollutant", index="start", values="value").sort("start")
    columns: list[list[float | None]] = [
        own[name].to_list() if name in own.columns else [None] * own.height for name in WIND
    ]
    return WindAnswer(
        ref=site,
        name=office.name(Ref.parse(site), language),
        distance=None if site == str(ref) else round(distance),
        start=own["start"].to_list(),
        speed=columns[0],
        wind_from=columns[1],
    )


def calendar_of(office: Office, ref: Ref, year: int) -> CalendarAnswer:
    """Return the days of a year: index of a station, class of a section, worst verdict of an outlet."""
    first, last = local_day(date(year, 1, 1), office.zone), local_day(date(year, 12, 31), office.zone)
    period = Period(first.start, last.end)
    if ref.kind in ("station", "city"):
        judged = judged_rows(office, Asked(ref, INDEX, "day", period))
        days = [
            DayCell(
                day=local_date(row["start"], office.zone), aqi=row["aqi"], label=row["label"], primary=row["primary"]
            )
            for row in judged.iter_rows(named=True)
            if row["label"] or row["reason"]
        ]
        return CalendarAnswer(ref=str(ref), year=year, kind="aqi", days=days)
    rows = office.store.records.find("verdict", subject=str(ref), since=period.start, until=period.end)
    worst: dict[date, str] = {}
    for verdict in (from_json(row.body, Verdict) for row in rows):
        day = local_date(verdict.period.start, office.zone)
        worst[day] = max(worst.get(day, ""), verdict.label, key=_severity)
    kind = "class" if ref.kind == "section" else "verdict"
    found = [DayCell(day=day, aqi=None, label=label, primary="") for day, label in sorted(worst.items())]
    return CalendarAnswer(ref=str(ref), year=year, kind=kind, days=found)


def _severity(label: str) -> int:
    order = ("", "within", *CLASSES, "not_evidence", "suspected_over")
    return order.index(label) if label in order else 0

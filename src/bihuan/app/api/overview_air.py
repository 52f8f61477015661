"""The overview's air: the hour, the night, month and year against the target, ranks; all judged by `assessment`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from bihuan.app.api.office import Office
from bihuan.app.api.overview_models import Air, Hour, Item, Neighbour, Night, Peak, Rank, Ranks, SoFar, Standing
from bihuan.app.indexing import city_hours_of, wide_hours_of
from bihuan.app.judge import HOUR_GRACE
from bihuan.assessment import (
    city_mean,
    composite_index,
    daily_means,
    daily_statistics,
    day_counts,
    hourly_aqi,
    rank,
    remaining_control_value,
)
from bihuan.core import (
    DAY,
    HOUR,
    NATIONAL_SIX,
    InputError,
    Language,
    Period,
    Ref,
    floor_to,
    local_date,
    local_day,
    pollutant,
    printed_unit,
    text,
)
from bihuan.register import District, Station

SHOWN = ("pm25", "pm10", "o3", "no2", "so2", "co")
"""The six items in the order in which people speak of them."""

ASSESSED = ("national", "provincial", "city", "township")
"""Kinds of stations whose values are compared with each other; micro and dust sensors are not."""

TREND = 24 * HOUR
RECENT = 3 * HOUR
"""The last hour with an index may be so old and still be called the present one."""

EVENING, MORNING = timedelta(hours=20), timedelta(hours=8)


def judged_until(now: datetime) -> datetime:
    """Return the end of the last hour that is over for its grace."""
    return floor_to(now - HOUR_GRACE, HOUR)


def name_of(code: str, language: Language) -> str:
    """Return what one of the six items is called in speech: PM2.5."""
    return text(f"overview.item_{code}", language)


# -- the hour ---------------------------------------------------------------------------------------------------------


def air_now(office: Office, now: datetime, language: Language) -> Air:
    """Return the city's index of the last judged hour, its six items and the 24 hours behind it."""
    until = judged_until(now)
    wide = city_hours_of(office.store.series, office.town, [str(office.town.ref)], Period(until - TREND, until))
    judged = hourly_aqi(wide, zone=office.zone) if wide.height else wide
    rows = {row["start"]: row for row in judged.iter_rows(named=True)}
    recent = [row for start, row in sorted(rows.items()) if start >= until - RECENT and _says_something(row)]
    last: Mapping[str, Any] = recent[-1] if recent else {}
    hours = [until - TREND + step * HOUR for step in range(24)]
    return Air(
        start=last.get("start"),
        end=last.get("end"),
        aqi=last.get("aqi"),
        label=last.get("label", ""),
        primary=_codes(last.get("primary", "")),
        level=last.get("level", ""),
        standard=last.get("standard", ""),
        status=last.get("status", ""),
        reason=last.get("reason", ""),
        items=[_item(code, last, language) for code in SHOWN],
        trend=[_trend_hour(start, rows.get(start, {})) for start in hours],
        neighbours=neighbours(office, last),
    )


def _says_something(row: Mapping[str, Any]) -> bool:
    return any(row.get(code) is not None for code in NATIONAL_SIX)


def _codes(joined: str) -> list[str]:
    return [code for code in joined.split(";") if code]


def _item(code: str, row: Mapping[str, Any], language: Language) -> Item:
    return Item(
        code=code,
        name=name_of(code, language),
        unit=pollutant(code).unit,
        value=row.get(code),
        iaqi=row.get(f"iaqi_{code}"),
    )


def _trend_hour(start: datetime, row: Mapping[str, Any]) -> Hour:
    return Hour(start=start, aqi=row.get("aqi"), label=row.get("label", ""))


def neighbours(office: Office, own: Mapping[str, Any]) -> list[Neighbour]:
    """Return the cities whose hours are stored in the hour of ours, the cleanest first; nothing where ours is alone."""
    if not own:
        return []
    found = office.store.series.query(
        "SELECT DISTINCT site FROM hours WHERE site LIKE 'city:%' AND start = ?", [own["start"]]
    )
    others = [site for site in found["site"] if site != str(office.town.ref)]
    if not others:
        return []
    wide = wide_hours_of(office.store.series, others, Period(own["start"], own["end"]))
    judged = hourly_aqi(wide, zone=office.zone).select("site", pl.col("aqi").cast(pl.Int64), "label")
    ours = pl.DataFrame([(str(office.town.ref), own["aqi"], own["label"])], schema=judged.schema, orient="row")
    table = _ranked(pl.concat([judged, ours]))
    names = dict(office.store.series.files(others).select("site", "title").iter_rows())
    return [
        Neighbour(
            ref=site,
            name=names.get(site) or office.name(Ref.parse(site)),
            aqi=aqi,
            label=label,
            rank=place,
            own=site == str(office.town.ref),
        )
        for site, aqi, label, place in table.select("site", "aqi", "label", "rank").iter_rows()
    ]


def _ranked(table: pl.DataFrame) -> pl.DataFrame:
    """Rank one hour: `assessment.rank` ranks within a column, so all rows get the same one."""
    return rank(table.with_columns(one=pl.lit(0)), "aqi", within=("one",)).sort("rank", "site", nulls_last=True)


# -- the night --------------------------------------------------------------------------------------------------------


def night_of(now: datetime, office: Office) -> Period:
    """Return the night that is on or was the last: 20:00 to 08:00 in the city's time."""
    morning = local_date(now + (DAY - EVENING), office.zone)
    return Period(
        local_day(morning - timedelta(days=1), office.zone).start + EVENING,
        local_day(morning, office.zone).start + MORNING,
    )


def assessed(office: Office) -> dict[str, Station]:
    """Return the stations that are compared, as text refs; every air station where none is of such a kind."""
    stations = {f"station:{station.id}": station for station in office.town.stations}
    own = {ref: station for ref, station in stations.items() if station.kind in ASSESSED}
    return own or stations


def the_night(office: Office, now: datetime, language: Language) -> Night:
    """Return the peaks of the night with one line of judgement made of facts only."""
    night, until = night_of(now, office), judged_until(now)
    shown = Night(
        start=night.start, end=night.end, through=None, aqi=None, aqi_start=None, label="", peaks=[], words=""
    )
    if until <= night.start:
        return shown
    span = Period(night.start, min(night.end, until))
    wide = wide_hours_of(office.store.series, list(assessed(office)), span, office.town.official)
    judged = hourly_aqi(wide, zone=office.zone) if wide.height else wide
    city = city_hours_of(office.store.series, office.town, [str(office.town.ref)], span)
    worst = _worst(hourly_aqi(city, zone=office.zone)) if city.height else {}
    shown.through = span.end
    shown.aqi, shown.aqi_start = worst.get("aqi"), worst.get("start")
    shown.label = worst.get("label", "")
    shown.peaks = [peak for code in SHOWN if (peak := _peak(judged, code, office, language)) is not None]
    shown.words = _night_words(office, shown, worst, judged, language)
    return shown


def _worst(judged: pl.DataFrame) -> Mapping[str, Any]:
    found = judged.filter(pl.col("aqi").is_not_null()).sort("aqi", "start", descending=[True, False])
    return found.row(0, named=True) if found.height else {}


def _peak(judged: pl.DataFrame, code: str, office: Office, language: Language) -> Peak | None:
    if code not in judged.columns:
        return None
    found = judged.filter(pl.col(code).is_not_null()).sort(code, "start", "site", descending=[True, False, False])
    if found.is_empty():
        return None
    row = found.row(0, named=True)
    return Peak(
        code=code,
        name=name_of(code, language),
        unit=pollutant(code).unit,
        value=row[code],
        iaqi=row[f"iaqi_{code}"],
        site=row["site"],
        site_name=office.name(Ref.parse(row["site"]), language),
        start=row["start"],
    )


def _night_words(
    office: Office, night: Night, worst: Mapping[str, Any], judged: pl.DataFrame, language: Language
) -> str:
    """Say what the night was like: each clause is a fact of the tables, a missing fact is left out."""
    parts = []
    if worst:
        primary = _codes(worst["primary"])
        values = {
            "aqi": worst["aqi"],
            "grade": text(f"aqi.{worst['label']}", language),
            "time": worst["start"].astimezone(office.zone).strftime("%H:%M"),
            "primary": text("overview.and", language).join(name_of(code, language) for code in primary),
        }
        parts.append(text("overview.night_primary" if primary else "overview.night_worst", language, **values))
    if judged.height:
        over = judged.filter(~pl.col("label").is_in(["", "good", "moderate"]))["site"].n_unique()
        values = {"over": over, "stations": judged["site"].n_unique()}
        parts.append(text("overview.night_over" if over else "overview.night_none_over", language, **values))
    rows = office.store.records.find("event", since=night.start, until=night.end)
    parts.append(text("overview.night_events" if rows else "overview.night_no_events", language, count=len(rows)))
    if not worst and not judged.height:
        return ""
    return text("overview.sentence", language, words=text("overview.comma", language).join(parts))


# -- month and year ---------------------------------------------------------------------------------------------------


def so_far(office: Office, today: date, language: Language) -> SoFar:
    """Return month and year up to yesterday against the city's targets (dated city setting ``targets``)."""
    through, first = today - timedelta(days=1), date(today.year, 1, 1)
    shown = SoFar(
        through=through, month_days=0, month_good=None, year_days=0, year_good=None, year_heavy=None, items=[]
    )
    days = city_days(office, first, today) if first < today else None
    if days is None or days.is_empty():
        return shown
    month_start = local_day(today.replace(day=1), office.zone).start
    counts = day_counts(days, period="month", zone=office.zone).filter(pl.col("start") == month_start)
    if counts.height:
        shown.month_days, shown.month_good = counts["days"][0], counts["good_days"][0]
    year = day_counts(days, period="year", zone=office.zone)
    if year.height:
        shown.year_days, shown.year_good = year["days"][0], year["good_days"][0]
        shown.year_heavy = year["heavy_days"][0]
    shown.items = _standings(office, days, today, language)
    return shown


def city_days(office: Office, first: date, before: date) -> pl.DataFrame:
    """Return the city's days as `assessment.daily_means` makes them from its hours."""
    span = Period(local_day(first, office.zone).start, local_day(before, office.zone).start)
    wide = city_hours_of(office.store.series, office.town, [str(office.town.ref)], span)
    return daily_means(wide.drop("level"), zone=office.zone) if wide.height else wide


def targets_on(office: Office, today: date) -> dict[str, float]:
    """Return the means of the year to reach by pollutant, as the city has set them; empty where it has not."""
    held = office.store.settings.get("targets", today, {})
    if not isinstance(held, dict) or not set(held) <= set(NATIONAL_SIX):
        raise InputError(f"city setting targets = {held!r} cannot be read: write pollutant and mean, like pm25 = 40")
    return {code: float(value) for code, value in held.items()}


def _standings(office: Office, days: pl.DataFrame, today: date, language: Language) -> list[Standing]:
    targets = targets_on(office, today)
    month_start = local_day(today.replace(day=1), office.zone).start
    month = daily_statistics(days, period="month", zone=office.zone).filter(pl.col("start") == month_start)
    year = daily_statistics(days, period="year", zone=office.zone)
    return [
        _standing(office, days, code, (_main(month, code), _main(year, code)), (targets.get(code), today), language)
        for code in SHOWN
        if code in days.columns
    ]


def _main(table: pl.DataFrame, code: str) -> Mapping[str, Any]:
    """The figure by which an item is assessed: the percentile where HJ 663 has only that, else the mean."""
    found = {row["figure"]: row for row in table.filter(pl.col("item") == code).iter_rows(named=True)}
    wanted = "percentile" if code in ("co", "o3") else "mean"
    return found.get(wanted) or next(iter(found.values()), {})


def _standing(
    office: Office,
    days: pl.DataFrame,
    code: str,
    figures: tuple[Mapping[str, Any], Mapping[str, Any]],
    aim: tuple[float | None, date],
    language: Language,
) -> Standing:
    (month, year), (target, today), unit = figures, aim, pollutant(code).unit
    shown = Standing(
        code=code,
        name=name_of(code, language),
        unit=unit,
        figure=year.get("figure", ""),
        month=month.get("value"),
        year=year.get("value"),
        days=year.get("days", 0),
        target=target,
        control=None,
        outcome="",
        words="",
    )
    if target is None:
        return shown
    span = {"first": date(today.year, 1, 1), "last": date(today.year, 12, 31), "through": today - timedelta(days=1)}
    for one in remaining_control_value(days, code, target, zone=office.zone, **span):
        shown.control = None if one.value is None else round(one.value, 1)
        shown.outcome = one.outcome
        values = {"days": one.days_left, "value": shown.control, "target": target, "unit": printed_unit(unit)}
        shown.words = text(f"verdict.remaining_{one.outcome}", language, **values)
    return shown


# -- ranks ------------------------------------------------------------------------------------------------------------


def ranks(office: Office, today: date, language: Language) -> Ranks:
    """Rank districts and stations over the month so far: by the composite index, by PM2.5 where that is held back."""
    first, through = today.replace(day=1), today - timedelta(days=1)
    shown = Ranks(by="index", unit="", first=first, through=through, reason="", districts=[], stations=[])
    stations = assessed(office)
    if first < today and stations:
        span = Period(local_day(first, office.zone).start, local_day(today, office.zone).start)
        wide = wide_hours_of(office.store.series, list(stations), span, office.town.official).drop("level")
        if wide.height:
            own, areas = _month(wide, office), _month(_districts(wide, stations), office)
            if own["index"].is_null().all():
                shown.by, shown.unit, shown.reason = "pm25", pollutant("pm25").unit, str(own["reason"][0])
            shown.stations = _rank_rows(own, shown.by, office, language)
            shown.districts = _rank_rows(areas, shown.by, office, language)
    return shown


def _districts(wide: pl.DataFrame, stations: Mapping[str, Station]) -> pl.DataFrame:
    """Hours of each district: the mean over its compared stations, before any index."""
    parts = []
    for district in sorted({station.district for station in stations.values() if station.district}):
        inside = [ref for ref, station in stations.items() if station.district == district]
        part = wide.filter(pl.col("site").is_in(inside))
        if part.height:
            mean = city_mean(part, f"district:{district}")
            parts.append(mean.select([name for name in wide.columns if name in mean.columns]))
    return pl.concat(parts) if parts else wide.clear()


def _month(wide: pl.DataFrame, office: Office) -> pl.DataFrame:
    """The composite index of each site, and its PM2.5 beside it."""
    if wide.is_empty():
        return pl.DataFrame(schema={"site": pl.String, "index": pl.Float64, "pm25": pl.Float64, "days": pl.Int32})
    figures = daily_statistics(daily_means(wide, zone=office.zone), period="month", zone=office.zone)
    fine = figures.filter((pl.col("item") == "pm25") & (pl.col("figure") == "mean"))
    fine = fine.select("site", "start", pm25="value", days="days")
    return composite_index(figures, zone=office.zone).join(fine, on=["site", "start"], how="left")


def _rank_rows(table: pl.DataFrame, by: str, office: Office, language: Language) -> list[Rank]:
    if table.is_empty():
        return []
    ordered = rank(table, by).sort("rank", "site", nulls_last=True)
    found = []
    for row in ordered.iter_rows(named=True):
        ref = Ref.parse(row["site"])
        district = office.register.get(District, ref.id, office.town.on) if ref.kind == "district" else None
        english = district.name_en if district and language == "en" else ""
        link = f"/sites/{ref}" if ref.kind == "station" else ""
        found.append(
            Rank(
                rank=row["rank"],
                ref=str(ref),
                name=english or office.name(ref, language),
                value=row[by],
                days=row["days"] or 0,
                link=link,
            )
        )
    return found

"""What a bulletin is made from, read out of the store: of a live city, or of a home with imported ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

import polars as pl

from bihuan.alerts import Warning, default_rules
from bihuan.app.declared import circumstances
from bihuan.app.indexing import city_hours_of, wide_hours_of
from bihuan.app.memory import last_ranking
from bihuan.app.settings import Settings
from bihuan.app.town import CITY_KINDS, Town
from bihuan.assessment import city_mean, daily_means, outlet_days, outlet_hours, section_verdict
from bihuan.cases import Case
from bihuan.core import HOUR, NATIONAL_SIX, Event, InputError, Period, Verdict, from_json, local_day
from bihuan.observations import days_from_hours, needed, of_record
from bihuan.register import District
from bihuan.reports import Material
from bihuan.store import Store

WEATHER = ("air_temperature", "wind_speed", "humidity", "air_pressure")
TARGETS = "air.targets"
"""Setting of the city: mean of the year to reach by pollutant."""


def gather(
    store: Store,
    town: Town,
    settings: Settings,
    day: date,
    now: datetime,
    cases: tuple[Case, ...] = (),
    *,
    site: str | None = None,
    targets: Mapping[str, float] | None = None,
) -> Material:
    """Read everything that a day's bulletin tells of.

    Parameters
    ----------
    store : Store
    town : Town
        The register on the day.
    settings : Settings
    day : date
    now : datetime
        UTC; what counts as open or overdue.
    cases : tuple of Case
    site : str or None
        ``city:...`` where several cities are stored.
    targets : mapping, optional
        Those of the city by default (setting ``air.targets``).

    Raises
    ------
    InputError
        If several cities are stored and none is chosen, or the chosen one is not stored.
    """
    zone, period = settings.zone, local_day(day, settings.zone)
    site = chosen_city(store, town, settings, site)
    year_before = local_day(date(day.year - 1, 1, 1), zone).start
    ours = Town(town.register, day)
    hours = city_hours_of(store.series, ours, [site], Period(year_before, period.end))
    today = hours.filter(pl.col("start") >= period.start)
    station_hours = _stations(store, ours, period)
    month = Period(local_day(day.replace(day=1), zone).start, period.end)
    record = store.series.hours(period=period)
    own = site == str(ours.ref)
    events = _events(store, period, now) if own else ()
    expected, received, usable = _transmission(ours, record, period) if own else (None, None, None)
    return Material(
        day=day,
        zone=zone,
        now=now,
        site=site,
        city=_name(ours, settings, site),
        register=town.register,
        days=_days(hours, settings),
        hours=today,
        stations=_days(station_hours, settings) if own else _days(station_hours.clear(), settings),
        districts=_days(_district_hours(ours, station_hours if own else station_hours.clear()), settings),
        cities=_days(_city_hours(store, month), settings),
        weather=_weather(ours, record),
        dust=_dust(ours, record),
        counted=_counted(ours),
        names=_names(ours, site, settings),
        targets=store.settings.get(TARGETS, day, {}) if targets is None else targets,
        events=events,
        suspects=tuple(found for event in events if (found := last_ranking(store.records, event.id))),
        rules={rule.id: rule for rule in default_rules()},
        water=_water(ours, record, period, settings) if own else (),
        outlets=_outlets(store, ours, record, settings, cases) if own else (),
        cases=cases if own else (),
        warnings=_warnings(store, ours) if own else (),
        as_of=_as_of(today, record if own else today),
        expected=expected,
        received=received,
        usable=usable,
    )


def chosen_city(store: Store, town: Town, settings: Settings, site: str | None) -> str:
    """Return the city that is meant; the register's own where there is one."""
    stored = store.series.query("SELECT DISTINCT site FROM hours WHERE site LIKE 'city:%' ORDER BY site")[
        "site"
    ].to_list()
    named = settings.text("city_name")
    if site is None and named and f"city:{named}" in stored:
        return f"city:{named}"
    if site is None and town.cell is not None:
        return str(town.ref)
    known = ", ".join(one for one in stored) or "none"
    if site is not None:
        if site not in stored and site != str(town.ref):
            raise InputError(f"site {site} is not stored as a city; stored: {known}. Write --site with one of them")
        return site
    if len(stored) > 1:
        raise InputError(
            f"{len(stored)} cities are stored and none is chosen: write --site with one of them, or set city_name; "
            f"stored: {known}"
        )
    return stored[0] if stored else str(town.ref)


def _name(town: Town, settings: Settings, site: str) -> str:
    if site == str(town.ref) and town.cell is not None:
        return settings.text("city_name") or town.cell.name
    return site.partition(":")[2]


def _names(town: Town, site: str, settings: Settings) -> dict[str, str]:
    found = {fact.id: fact.name for fact in town.register if fact.holds(town.on) and fact.name}
    return found | {site: _name(town, settings, site)}


def _days(hours: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    return daily_means(hours.drop("level", strict=False), zone=settings.zone)


def _stations(store: Store, town: Town, period: Period) -> pl.DataFrame:
    sites = [f"station:{one.id}" for one in town.stations if one.kind != "dust"]
    return wide_hours_of(store.series, sites, period, town.official)


def _counted(town: Town) -> tuple[str, ...]:
    """Stations that are ranked: those of the authorities, or all where there is none."""
    found = tuple(f"station:{one.id}" for one in town.stations if one.kind in CITY_KINDS)
    return found or tuple(f"station:{one.id}" for one in town.stations if one.kind != "dust")


def _district_hours(town: Town, hours: pl.DataFrame) -> pl.DataFrame:
    """Means over the stations that count for the city, by district."""
    counted = set(_counted(town))
    parts = []
    for district in town.register.all(District, town.on):
        sites = [f"station:{one.id}" for one in town.stations if one.district == district.id]
        part = hours.filter(pl.col("site").is_in([site for site in sites if site in counted])).drop("level")
        if part.height:
            parts.append(city_mean(part, f"district:{district.id}").select("site", "start", "end", *NATIONAL_SIX))
    return pl.concat(parts) if parts else hours.drop("level").clear()


def _city_hours(store: Store, month: Period) -> pl.DataFrame:
    sites = store.series.query("SELECT DISTINCT site FROM hours WHERE site LIKE 'city:%'")["site"].to_list()
    return wide_hours_of(store.series, sites, month)


def _weather(town: Town, record: pl.DataFrame) -> pl.DataFrame:
    wanted = pl.col("site").is_in(list(town.weather_sites)) & pl.col("pollutant").is_in(list(WEATHER))
    return _usable(record.filter(wanted))


def _dust(town: Town, record: pl.DataFrame) -> pl.DataFrame:
    sites = [f"station:{one.id}" for one in town.stations if one.kind == "dust"]
    wanted = pl.col("site").is_in(sites) & pl.col("pollutant").is_in(["tsp", "pm10", "pm25"])
    return _usable(record.filter(wanted))


def _usable(rows: pl.DataFrame) -> pl.DataFrame:
    rows = of_record(rows.drop("revision", strict=False)) if rows.height else rows
    return rows.filter((pl.col("stat") == "avg") & pl.col("quality").is_in(["good", "suspect"]))


def _events(store: Store, period: Period, now: datetime) -> tuple[Event, ...]:
    """Events that lay in the day, and those still open."""
    rows = store.records.find("event", since=period.start - timedelta(days=31), until=now)
    found = [from_json(row.body, Event) for row in rows]
    return tuple(one for one in found if one.open or one.period.overlaps(period))


def _water(town: Town, record: pl.DataFrame, period: Period, settings: Settings) -> tuple[Verdict, ...]:
    days = _as_days(record, "section:", period, settings)
    found = []
    for section in town.sections:
        rows = days.filter((pl.col("site") == f"section:{section.id}") & (pl.col("stat") == "avg"))
        if rows.height:
            values = dict(rows.select("pollutant", "value").iter_rows())
            found.append(section_verdict(section, period, values, zone=settings.zone))
    return tuple(found)


def _as_days(record: pl.DataFrame, kind: str, period: Period, settings: Settings) -> pl.DataFrame:
    hours = record.filter(pl.col("site").str.starts_with(kind))
    on = period.start.astimezone(settings.zone).date()
    return days_from_hours(hours, needed(on).hours, settings.zone) if hours.height else hours


def _outlets(
    store: Store, town: Town, record: pl.DataFrame, settings: Settings, cases: Iterable[Case]
) -> tuple[Verdict, ...]:
    rows = {str(key[0]): part for key, part in record.group_by(["site"])}
    known = circumstances(store, town, cases, settings.zone)
    found: list[Verdict] = []
    for outlet in town.outlets:
        own = rows.get(f"outlet:{outlet.id}")
        if own is not None:
            found += outlet_hours(outlet, own, known)
            found += outlet_days(outlet, own, record.clear(), known)
    return tuple(found)


def _transmission(town: Town, record: pl.DataFrame, period: Period) -> tuple[int | None, int | None, int | None]:
    """Hours that the loggers of outlets should have sent on the day, sent, and were usable."""
    sites = {device.site for device in town.devices.values() if device.site.startswith("outlet:")}
    if not sites:
        return None, None, None
    rows = record.filter(pl.col("site").is_in(sites) & (pl.col("stat") == "avg") & pl.col("value").is_not_null())
    usable = rows.filter(pl.col("quality").is_in(["good", "suspect"]))
    due = len(sites) * (period.length // HOUR)
    return due, rows.select("site", "start").unique().height, usable.select("site", "start").unique().height


def _warnings(store: Store, town: Town) -> tuple[Warning, ...]:
    """The last signed message of each warning that has not been lifted."""
    rows = store.records.find("warning", subject=str(town.ref))
    last: dict[str, Warning] = {}
    for row in rows:
        one = from_json(row.body, Warning)
        if one.state != "proposed" and one.sequence >= (last[one.id].sequence if one.id in last else 0):
            last[one.id] = one
    return tuple(one for one in last.values() if one.state != "lifted")


def _as_of(*frames: pl.DataFrame) -> datetime | None:
    ends: Iterable[datetime] = (frame["end"].max() for frame in frames if frame.height)  # type: ignore[misc]
    return max(ends, default=None)

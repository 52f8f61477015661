"""From a stored reading to the frames it was made from: the last stretch of `bihuan explain`, and the first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.app.lineage import file_row
from bihuan.app.town import Town
from bihuan.assessment import reading_ref
from bihuan.core import HOUR, InputError, Interval, Period, Ref, iso, local_date, local_day, parse_instant
from bihuan.observations import of_record
from bihuan.register import Device
from bihuan.store import Store

INSTANT_STATS = {"avg": ("avg", "rtd"), "zs_avg": ("zs_avg", "zs_rtd")}
"""A mean of minutes may rest on instants, where a logger sends no minutes."""

ROWS_FOUND = 8
"""Of so many imported values the very row is looked for; each look reads a file again."""

_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a thing is and what it was made from.

    Attributes
    ----------
    what : dict
        Plain values.
    made_from : tuple of Ref
    note : str
        Key below ``cli.explain_`` when something must be said.
    """

    what: dict[str, Any] = field(default_factory=dict)
    made_from: tuple[Ref, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A ``reading:`` ref, taken apart."""

    site: str
    pollutant: str
    stat: str
    basis: str
    start: datetime

    @classmethod
    def parse(cls, ref: Ref) -> _Asked:
        site, pollutant, stat, basis, start = _five(ref, "site/pollutant/stat/basis/start")
        return cls(site, pollutant, stat, basis, parse_instant(start))

    @property
    def key(self) -> tuple[str, str, str, datetime]:
        return (self.site, self.pollutant, self.stat, self.start)


class Provenance:
    """Finds frames behind readings, and readings behind frames, in an open store.

    Parameters
    ----------
    store : Store
    zone : ZoneInfo
        Of the city; a device stands at a site by the register of that day.
    """

    def __init__(self, store: Store, zone: ZoneInfo) -> None:
        self._store, self._series = store, store.series
        self._register = store.records.register()
        self._zone = zone
        self._town = cache(lambda on: Town(self._register, on))

    def town(self, at: datetime) -> Town:
        """Return the register as it stood at an instant."""
        on: date = local_date(at, self._zone)
        return self._town(on)

    def devices(self, site: str, at: datetime) -> list[str]:
        """Return the loggers of a site at an instant; those that ever stood there when none did then."""
        then = [mn for mn, place in self.town(at).site_of.items() if place == site]
        ever = {fact.id for fact in self._register if isinstance(fact, Device) and fact.site == site}
        return sorted(then or ever)

    def readings(self, refs: Iterable[Ref]) -> dict[Ref, Origin]:
        """Return the origin of hourly and daily readings, ``reading:site/pollutant/stat/basis/start``.

        Raises
        ------
        InputError
            If a ref cannot be read.
        """
        asked = {ref: _Asked.parse(ref) for ref in refs}
        if not asked:
            return {}
        hours = self._rollup("hours", asked.values())
        days = self._rollup("days", asked.values())
        rows = {ref: _pick(one, hours, days) for ref, one in asked.items()}
        behind = self._behind([row for row in rows.values() if row is not None])
        found = {ref: self._origin(one, rows[ref], behind) for ref, one in asked.items()}
        imported = [ref for ref, row in rows.items() if row is not None and row["basis"] == "file"]
        return found | {ref: self._imported(found[ref], asked[ref], len(imported)) for ref in imported}

    def stretch(self, ref: Ref) -> Origin:
        """Return the origin of ``readings:site/pollutant/interval/start/end``.

        Raises
        ------
        InputError
            If the ref cannot be read.
        """
        site, pollutant, interval, start, end = _five(ref, "site/pollutant/interval/start/end")
        period = Period(parse_instant(start), parse_instant(end))
        sites = (
            [site] if not site.startswith("city:") else [f"station:{s.id}" for s in self.town(period.start).stations]
        )
        devices = [mn for one in sites for mn in self.devices(one, period.start)]
        rows = self._minutes_or_hours(devices, pollutant, interval, period)
        if rows.is_empty():
            return Origin(note="not_stored")
        what = {"count": rows.height, "min": rows["value"].min(), "max": rows["value"].max(), "sites": sites}
        return Origin(what, _frames(rows))

    def last_heard(self, site: str, at: datetime) -> Origin:
        """Return the last frame of each logger of a site before an instant; of every logger for a city."""
        devices = list(self.town(at).devices) if site.startswith("city:") else self.devices(site, at)
        rows = self._series.query(
            "SELECT device, arg_max(frame, start) AS frame, max(start) AS start FROM readings "
            "WHERE device IN (SELECT unnest(?::VARCHAR[])) AND start < ? GROUP BY device ORDER BY device",
            [devices, at],
        )
        what = {row["device"]: iso(row["start"]) for row in rows.iter_rows(named=True)}
        return Origin({"last_heard": what}, _frames(rows), "silence" if what else "never_heard")

    def of_frame(self, frame: str) -> pl.DataFrame:
        """Return the readings made from a frame with their site: ``site device pollutant stat interval start end``."""
        rows = self._series.query("SELECT * FROM readings WHERE frame = ? ORDER BY pollutant, stat, start", [frame])
        if rows.is_empty():
            return rows.with_columns(site=pl.lit(""))
        site_of = self.town(rows["start"][0]).site_of
        return rows.with_columns(site=pl.col("device").replace_strict(site_of, default="", return_dtype=pl.String))

    # -- tables ----------------------------------------------------------------------------------------------------

    def _rollup(self, table: str, asked: Iterable[_Asked]) -> dict[tuple[str, str, str, datetime], dict[str, Any]]:
        """Rows of the table by key and basis; under basis ``""`` the row of record."""
        wanted = list(asked)
        starts = [one.start for one in wanted]
        read = self._series.hours if table == "hours" else self._series.days
        period = Period(min(starts), max(starts) + _MOMENT)
        rows = read({one.site for one in wanted}, {one.pollutant for one in wanted}, period)
        found: dict[tuple[str, str, str, datetime], dict[str, Any]] = {}
        for row in rows.iter_rows(named=True):
            found.setdefault(_key(row), {})[row["basis"]] = row
        for row in of_record(rows).iter_rows(named=True):
            found[_key(row)][""] = row
        return found

    def _behind(self, rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str, str, str, datetime], tuple[Ref, ...]]:
        """Frames or hours behind roll-up rows, by their whole key, in few queries."""
        found: dict[tuple[str, str, str, str, datetime], tuple[Ref, ...]] = {}
        for basis in ("device", "minutes", "hours"):
            mine = [row for row in rows if row["basis"] == basis]
            if not mine:
                continue
            span = Period(min(row["start"] for row in mine), max(row["end"] for row in mine))
            pollutants = {row["pollutant"] for row in mine}
            if basis == "hours":
                hours = of_record(self._series.hours({row["site"] for row in mine}, pollutants, span))
                found |= {_whole(row): self._hours_of_day(row, hours) for row in mine}
                continue
            site_of = {mn: row["site"] for row in mine for mn in self.devices(row["site"], row["start"])}
            parts = self._series.readings(site_of, pollutants, None, span)
            found |= self._frames_by_row(mine, parts, site_of, basis)
        return found

    @staticmethod
    def _frames_by_row(
        rows: Sequence[dict[str, Any]], parts: pl.DataFrame, site_of: dict[str, str], basis: str
    ) -> dict[tuple[str, str, str, str, datetime], tuple[Ref, ...]]:
        own = (
            pl.col("interval").is_in(["hour", "day"])
            if basis == "device"
            else pl.col("interval").is_in(["minute", "rt"])
        )
        begin = pl.col("start") if basis == "device" else pl.col("start").dt.truncate("1h")
        grouped = (
            parts.filter(own & (pl.col("frame") != ""))
            .with_columns(site=pl.col("device").replace_strict(site_of, return_dtype=pl.String), begin=begin)
            .sort("start")
            .group_by("site", "pollutant", "stat", "begin")
            .agg(pl.col("frame").unique(maintain_order=True))
        )
        frames = {row[:4]: row[4] for row in grouped.iter_rows()}
        found = {}
        for row in rows:
            stats = INSTANT_STATS.get(row["stat"], (row["stat"],)) if basis == "minutes" else (row["stat"],)
            names = [
                name for stat in stats for name in frames.get((row["site"], row["pollutant"], stat, row["start"]), [])
            ]
            found[_whole(row)] = tuple(Ref("frame", name) for name in dict.fromkeys(names))
        return found

    @staticmethod
    def _hours_of_day(row: dict[str, Any], hours: pl.DataFrame) -> tuple[Ref, ...]:
        mine = hours.filter(
            (pl.col("site") == row["site"])
            & (pl.col("pollutant") == row["pollutant"])
            & (pl.col("stat") == row["stat"])
            & (pl.col("start") >= row["start"])
            & (pl.col("start") < row["end"])
        )
        return tuple(
            reading_ref(row["site"], row["pollutant"], row["stat"], hour["basis"], hour["start"])
            for hour in mine.iter_rows(named=True)
        )

    def _origin(
        self,
        asked: _Asked,
        row: dict[str, Any] | None,
        behind: dict[tuple[str, str, str, str, datetime], tuple[Ref, ...]],
    ) -> Origin:
        if row is None and asked.site.startswith("city:"):
            stations = self.town(asked.start).city_stations
            refs = tuple(reading_ref(site, asked.pollutant, asked.stat, "device", asked.start) for site in stations)
            return Origin({"mean_of": len(stations)}, refs)
        if row is None:
            return Origin(note="not_stored")
        what = {name: row[name] for name in ("value", "count", "mark", "quality", "reason", "level", "basis")}
        what |= {"start": iso(row["start"]), "end": iso(row["end"])}
        made_from = behind.get(_whole(row), ())
        note = "other_basis" if row["basis"] != asked.basis else "" if made_from else "no_frame"
        return Origin(what, made_from, note)

    def _imported(self, found: Origin, asked: _Asked, together: int) -> Origin:
        """The row of the file that a value came from; of many values together only the file, which is not read."""
        if together <= ROWS_FOUND:
            ref = reading_ref(asked.site, asked.pollutant, asked.stat, "file", asked.start)
            row = file_row(self._store, ref, self._zone)
            if row is not None:
                return Origin(found.what | {"file": row.name, "row": row.row}, (row.ref,))
        files = self._store.series.files(sites=[asked.site])
        files = files.filter((pl.col("start") <= asked.start) & (pl.col("end") > asked.start))
        refs = tuple(Ref("file", digest) for digest in files["digest"].unique(maintain_order=True))
        return Origin(found.what | {"file": files["name"].to_list()}, refs, "" if refs else "no_frame")

    def _minutes_or_hours(self, devices: list[str], pollutant: str, interval: str, period: Period) -> pl.DataFrame:
        """Readings of the interval; of an hour that the logger did not send itself, its minutes."""
        pollutants = [pollutant] if pollutant else None
        tried: tuple[Interval, ...] = ("hour", "minute", "rt") if interval == "hour" else ("minute", "rt")
        for one in tried:
            rows = self._series.readings(devices, pollutants, one, period)
            if rows.height:
                return rows
        return self._series.readings(devices, pollutants, None, period)


def day_or_hour(start: datetime, end: datetime, zone: ZoneInfo) -> Period:
    """Return the hour, or for longer stretches the natural day, in which something begins."""
    if end - start <= HOUR:
        begin = start.replace(minute=0, second=0, microsecond=0)
        return Period(begin, begin + HOUR)
    return local_day(local_date(start, zone), zone)


def _pick(
    asked: _Asked,
    hours: dict[tuple[str, str, str, datetime], dict[str, Any]],
    days: dict[tuple[str, str, str, datetime], dict[str, Any]],
) -> dict[str, Any] | None:
    """The row that a ref names: a day's where it says ``hours``, else an hour's; the one of record if that is gone."""
    for table in (days, hours) if asked.basis == "hours" else (hours, days):
        rows = table.get(asked.key, {})
        row: dict[str, Any] | None = rows.get(asked.basis) or rows.get("")
        if row is not None:
            return row
    return None


def _key(row: dict[str, Any]) -> tuple[str, str, str, datetime]:
    return (row["site"], row["pollutant"], row["stat"], row["start"])


def _whole(row: dict[str, Any]) -> tuple[str, str, str, str, datetime]:
    return (row["site"], row["pollutant"], row["stat"], row["basis"], row["start"])


def _frames(rows: pl.DataFrame) -> tuple[Ref, ...]:
    return tuple(Ref("frame", name) for name in rows["frame"].unique(maintain_order=True) if name)


def _five(ref: Ref, shape: str) -> list[str]:
    parts = ref.id.rsplit("/", 4)
    if len(parts) != 5 or not all(parts[:1]):
        raise InputError(f"reference {str(ref)!r} cannot be read: write {ref.kind}:{shape}")
    return parts

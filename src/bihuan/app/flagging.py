"""`bihuan flags`: the checks of the observations room run again over stored readings.

What the moment could not tell (a spike needs the reading behind it, a neighbour may report late) is told here; new
thresholds reach old data the same way. A day at a time; only rows whose quality or reason changes are written, with a
higher revision, and what they were averaged into is averaged again. Running it twice changes nothing the second time.
A row that a person corrected is left alone: the person's word wins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.app.declared import declared_marks
from bihuan.app.opened import opened
from bihuan.app.settings import read_settings
from bihuan.app.town import Town
from bihuan.cases import Case
from bihuan.core import (
    DAY,
    HOUR,
    KEY_COLUMNS,
    READINGS_SCHEMA,
    ROLLUP_KEY,
    InputError,
    Interval,
    Language,
    NotCovered,
    Period,
    floor_to,
    from_json,
    local_date,
    local_day,
    text,
)
from bihuan.observations import (
    RESOLUTIONS_SCHEMA,
    STATES_SCHEMA,
    as_reported,
    context,
    days_from_hours,
    drifts,
    flag,
    hours_from_minutes,
    needed,
    of_record,
    spans_of,
)
from bihuan.observations import default_settings as flag_settings
from bihuan.store import Store, TableName, apply_corrections, load_corrections

SHORT: tuple[Interval, ...] = ("rt", "minute")
INTERVALS: tuple[Interval, ...] = ("rt", "minute", "hour", "day")


@dataclass(slots=True)
class Changed:
    """What one day of one table would, or did, change.

    Attributes
    ----------
    table : str
        ``readings`` or ``hours`` (imported hours that no reading stands behind).
    day : datetime
        Start of the UTC day.
    dry : bool
        Whether it was only looked at.
    rows : int
        Looked at.
    by_person : int
        Left alone, because a person corrected them.
    changes : list of dict
        Counts by owner, pollutant, old and new reason.
    """

    table: TableName
    day: datetime
    dry: bool
    rows: int
    by_person: int
    changes: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for programs."""
        return {
            "table": self.table,
            "day": self.day.date().isoformat(),
            "dry_run": self.dry,
            "rows": self.rows,
            "by_person": self.by_person,
            "changed": sum(int(one["count"]) for one in self.changes),
            "changes": self.changes,
        }

    def words(self, language: Language) -> str:
        """Return what people read: a line for the day and one for each kind of change."""
        told = self.as_dict()
        lines = [text("quality.flags_dry" if self.dry else "quality.flags_done", language, **_numbers(told))]
        for one in self.changes:
            before, after = (_reason(one[key], language) for key in ("before", "after"))
            lines.append(f"  {one['owner']} {one['pollutant']}: {before} -> {after}  {one['count']}")
        return "\n".join(lines)


def _numbers(told: dict[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in ("day", "rows", "changed", "by_person")} | {"table": told["table"]}


def _reason(code: str, language: Language) -> str:
    if not code:
        return text("quality.no_flag", language)
    try:
        return text(f"reason.{code}", language)
    except NotCovered:
        return code


def rerun_flags(
    home: Path,
    start: datetime | None,
    end: datetime | None,
    site: str | None = None,
    *,
    dry_run: bool = False,
    drift: bool = False,
) -> Iterator[Changed]:
    """Run the checks again over what is stored between two instants, a UTC day at a time.

    Parameters
    ----------
    home : Path
    start, end : datetime
        UTC, end exclusive; widened to whole days.
    site : str or None
        ``station:...``; neighbours are still looked at, only this site's rows change.
    dry_run : bool
        Write nothing.
    drift : bool
        Look for slow drift before `end` as well; needs weeks of hours.

    Raises
    ------
    InputError
        If an end is missing or the period is empty.
    """
    if start is None or end is None or end <= start:
        raise InputError("flags need --from and --to, the first before the second")
    with opened(home) as store:
        yield from Flagging(store, read_settings(home).zone).run(Period(start, end), site, dry_run, drift)


class Flagging:
    """Runs the checks over the store of one home.

    Parameters
    ----------
    store : Store
    zone : ZoneInfo
    """

    def __init__(self, store: Store, zone: ZoneInfo) -> None:
        self._store, self._zone = store, zone
        self._register = store.records.register()
        self._states = _states(store)

    def run(self, period: Period, site: str | None = None, dry: bool = False, drift: bool = False) -> Iterator[Changed]:
        """Go day by day; parameters as for `rerun_flags`."""
        drifting = self._drifting(period.end) if drift else None
        day = floor_to(period.start, DAY)
        while day < period.end:
            with self._store.step:
                yield self._readings(Period(day, day + DAY), site, dry, drifting)
                hours = self._hours(Period(day, day + DAY), site, dry, drifting)
            if hours.rows:
                yield hours
            day += DAY

    def _readings(self, day: Period, site: str | None, dry: bool, drifting: pl.DataFrame | None) -> Changed:
        town = Town(self._register, local_date(day.start, self._zone))
        parts, person, seen = [], 0, 0
        for interval in INTERVALS:
            wide = Period(day.start - context(interval), day.end + HOUR)
            stored = self._store.series.readings(interval=interval, period=wide)
            if stored.is_empty():
                continue
            fixes = load_corrections(self._store.records, "readings", wide)
            known = apply_corrections(stored, "readings", fixes)
            batch = known.filter(pl.col("start") >= day.start)
            judged = flag(
                batch.select(READINGS_SCHEMA.names),
                known.filter(pl.col("start") < day.start),
                town.device_sites,
                states=self._states,
                resolutions=_resolutions(town),
                drifting=drifting,
            )
            inside = pl.Series(batch["start"] < day.end) & (_owned(batch, town, site))
            corrected = batch["correction"] != ""
            old = stored.filter(pl.col("start") >= day.start)
            parts.append(_differences(old, judged, inside & ~corrected))
            person += int((inside & corrected).sum())
            seen += int(inside.sum())
        changed = pl.concat(parts) if parts else _no_changes()
        if changed.height and not dry:
            self._store.series.flag(changed.rename({"new_quality": "quality", "new_reason": "reason"}))
            self._average(changed, town, day)
        return Changed("readings", day.start, dry, seen, person, _counts(changed, "device"))

    def _average(self, changed: pl.DataFrame, town: Town, day: Period) -> None:
        """Average what changed into its hours and days again."""
        devices = changed["device"].unique().sort().to_list()
        series, columns = self._store.series, READINGS_SCHEMA.names
        short = pl.concat([series.readings(devices, None, name, day).select(columns) for name in SHORT])
        own = series.readings(devices, None, "hour", day).select(columns)
        hours = pl.concat(
            [
                hours_from_minutes(short, town.site_of, needed(town.on).minutes),
                as_reported(own, town.site_of, "hour"),
            ]
        )
        touched = changed.select("device", start=pl.col("start").dt.truncate("1h")).unique()
        touched = touched.join(town.loggers, on="device", how="inner").select("site", "start").unique()
        # hours that nobody has made yet are not made here
        made = series.hours(touched["site"].unique(), period=day).select(list(ROLLUP_KEY))
        hours = hours.join(touched, on=["site", "start"], how="semi").join(made, on=list(ROLLUP_KEY), how="semi")
        if hours.is_empty():
            return
        series.append(hours=hours.unique(list(ROLLUP_KEY), keep="first", maintain_order=True))
        sites = hours["site"].unique()
        for on in {local_date(day.start, self._zone), local_date(day.end - HOUR, self._zone)}:
            whole = series.hours(sites, period=local_day(on, self._zone))
            known = series.days(sites, period=local_day(on, self._zone))
            if whole.height and known.height:
                days = days_from_hours(whole.drop("revision"), needed(on).hours, self._zone)
                series.append(days=days.join(known, on=list(ROLLUP_KEY), how="semi"))

    def _hours(self, day: Period, site: str | None, dry: bool, drifting: pl.DataFrame | None) -> Changed:
        """Hours of imported files: no reading stands behind them."""
        wide = Period(day.start - context("hour"), day.end + HOUR)
        stored = self._store.series.hours(period=wide).filter(pl.col("basis") == "file")
        known = apply_corrections(stored, "hours", load_corrections(self._store.records, "hours", wide))
        town = Town(self._register, local_date(day.start, self._zone))
        judged = flag(
            _as_readings(known.filter(pl.col("start") >= day.start)),
            _as_readings(known.filter(pl.col("start") < day.start)),
            _site_places(town),
            states=self._states,
            drifting=drifting,
        )
        old = stored.filter(pl.col("start") >= day.start)
        batch = known.filter(pl.col("start") >= day.start)
        inside = batch["start"] < day.end
        if site is not None:
            inside &= batch["site"] == site
        corrected = batch["correction"] != ""
        changed = _differences(old.rename({"site": "device"}), judged, inside & ~corrected)
        counts = _counts(changed, "device")
        if changed.height and not dry:
            rows = changed.rename({"device": "site", "new_quality": "quality", "new_reason": "reason"})
            self._store.series.flag(rows, "hours")
        return Changed("hours", day.start, dry, int(inside.sum()), int((inside & corrected).sum()), counts)

    def _drifting(self, end: datetime) -> pl.DataFrame:
        back = timedelta(days=int(flag_settings()["drift"]["days"]))
        hours = of_record(self._store.series.hours(period=Period(end - back, end), stat="avg"))
        usable = hours.filter(~pl.col("quality").is_in(["bad", "missing"]) & pl.col("value").is_not_null())
        town = Town(self._register, local_date(end, self._zone))
        found = drifts(usable, _site_places(town).drop("device", "kind"), end)
        return spans_of(found, timedelta(days=7))


def _states(store: Store) -> pl.DataFrame:
    cases = (from_json(row.body, Case) for row in store.records.find("case"))
    declared = declared_marks(store.records, cases)
    rows = [(f"outlet:{one.outlet}", "", one.state, one.period.start, one.period.end) for one in declared]
    return pl.DataFrame(rows, schema=STATES_SCHEMA, orient="row")


def _resolutions(town: Town) -> pl.DataFrame:
    rows = [
        (mn, code, float(step))
        for mn, device in town.devices.items()
        for code, step in sorted(device.resolution.items())
        if step > 0
    ]
    return pl.DataFrame(rows, schema=RESOLUTIONS_SCHEMA, orient="row")


def _site_places(town: Town) -> pl.DataFrame:
    rows = [(str(s.ref), str(s.ref), s.kind, s.place.lon, s.place.lat) for s in town.sites if s.place]
    schema = {"device": pl.String, "site": pl.String, "kind": pl.String, "lon": pl.Float64, "lat": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _owned(rows: pl.DataFrame, town: Town, site: str | None) -> pl.Series:
    if site is None:
        return pl.Series([True] * rows.height, dtype=pl.Boolean)
    mine = [mn for mn, name in town.site_of.items() if name == site]
    return rows["device"].is_in(mine)


def _as_readings(rows: pl.DataFrame) -> pl.DataFrame:
    made = rows.rename({"site": "device"}).with_columns(
        interval=pl.lit("hour"), origin=pl.lit("file"), frame=pl.lit("")
    )
    return made.select(READINGS_SCHEMA.names)


def _differences(old: pl.DataFrame, judged: pl.DataFrame, wanted: pl.Series) -> pl.DataFrame:
    """Rows whose flag differs: their key, what was and what is; `old` and `judged` stand row by row."""
    keys = [name for name in (*KEY_COLUMNS, "basis") if name in old.columns]
    both = old.select(*keys, "quality", "reason").rename({"quality": "old_quality", "reason": "old_reason"})
    both = both.with_columns(new_quality=judged["quality"], new_reason=judged["reason"])
    differ = (pl.col("old_quality") != pl.col("new_quality")) | (pl.col("old_reason") != pl.col("new_reason"))
    return both.filter(wanted & both.select(differ.alias("d"))["d"])


def _no_changes() -> pl.DataFrame:
    names = [*KEY_COLUMNS, "old_quality", "old_reason", "new_quality", "new_reason"]
    types = {name: pl.Datetime("us", "UTC") if name == "start" else pl.String() for name in names}
    return pl.DataFrame(schema=types)


def _counts(changed: pl.DataFrame, owner: str) -> list[dict[str, Any]]:
    counted = (
        changed.rename({owner: "owner", "old_reason": "before", "new_reason": "after"})
        .group_by("owner", "pollutant", "before", "after")
        .agg(count=pl.len())
        .sort("owner", "pollutant", "before", "after")
    )
    return counted.to_dicts()

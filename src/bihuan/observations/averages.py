"""Minutes to hours to days, with the counts of the standard that make a mean valid.

- A part belongs to the hour (day) in which it starts and counts with its length up to the end of that hour; a site
  that sends no minute means in an hour is averaged from its instants, each standing for the time to the next one.
- Counts are minutes, not parts: five 10-minute means are 50 minutes and valid, four are 40 and not; 44.5 minutes are
  not 45. A part counts wholly or not at all: ``suspect`` parts count, ``bad`` and ``missing`` ones do not.
- A day is made of hours and of what a source gives as a mean of several (a section every 4 hours), each by its length.
- A mean of too few parts is kept, with quality ``bad`` and reason ``too_few``, so that people see it; nothing above
  uses it. Without any usable part the value is null and the quality ``missing``.
- Means are rounded to 9 decimals: the sum of decimals in binary is off in the 14th digit, and 75.499999999999986
  would round to another concentration than 75.5.
- Wind directions are averaged as unit vectors (350 and 10 degrees give 0, never 180).
- The daily maximum 8-hour mean of ozone is a matter of law and lives in the assessment room.
"""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.core import BASES, CHINA, ROLLUP_KEY, ROLLUP_SCHEMA, Interval
from bihuan.observations.settings import Settings, default_settings

MEANS = ("avg", "zs_avg")
STATS = ("avg", "min", "max", "cou", "zs_avg", "zs_min", "zs_max")
OF_INSTANTS = {"rtd": "avg", "zs_rtd": "zs_avg"}
SERIES = ("site", "pollutant", "stat")
LOST = ("bad", "missing")
COLUMNS = ROLLUP_SCHEMA.names
ORDER = [*SERIES, "start", "basis"]


def hours_from_minutes(
    minutes: pl.DataFrame, site_of: Mapping[str, str], need_minutes: float, settings: Settings | None = None
) -> pl.DataFrame:
    """Average the readings of whole hours.

    Parameters
    ----------
    minutes : DataFrame of `READINGS_SCHEMA`
        Every minute mean (and, for sites without them, every instant) of the hours wanted; an hour of which only a
        part is handed in is averaged from that part. Other intervals are left out.
    site_of : mapping of str to str
        Device -> site (``station:...``); devices that nobody claimed yet are left out.
    need_minutes : float
        Minutes that make an hour valid: 45 by GB 3095 table 4 and HJ 76 (`needed`).
    settings : mapping, optional
        Table ``[rollup]`` of `flags.toml`.

    Returns
    -------
    DataFrame of `ROLLUP_SCHEMA`
        Basis ``minutes``, sorted by site, pollutant, stat, start.
    """
    parts = _parts(minutes, site_of).with_columns(
        bin_start=pl.col("start").dt.truncate("1h"), bin_end=pl.col("start").dt.truncate("1h").dt.offset_by("1h")
    )
    inside = pl.min_horizontal("end", "bin_end") - pl.col("start")
    parts = parts.with_columns(weight=(inside.dt.total_microseconds() / 60e6).clip(0.0, 60.0))
    return _rolled(parts, "minutes", pl.lit(float(need_minutes)), 60.0, settings)


def days_from_hours(
    hours: pl.DataFrame, need_hours: int | Mapping[str, int], zone: ZoneInfo = CHINA, settings: Settings | None = None
) -> pl.DataFrame:
    """Average hours over the natural days of the city.

    Parameters
    ----------
    hours : DataFrame of `ROLLUP_SCHEMA`
        Hours of the days wanted, any bases; the hour of record is taken (`of_record`).
    need_hours : int or mapping of str to int
        Hours that make a day valid: 20 by GB 3095 table 4 and HJ 76 (`needed`); by pollutant, ``""`` for all others.
    zone : ZoneInfo
        Calendar of the city.

    Returns
    -------
    DataFrame of `ROLLUP_SCHEMA`
        Basis ``hours``, sorted by site, pollutant, stat, start.
    """
    length = (pl.col("end") - pl.col("start")).dt.total_microseconds() / 3.6e9
    parts = _local_days(of_record(hours), zone).with_columns(weight=length.clip(0.0, 24.0))
    by_pollutant = {"": need_hours} if isinstance(need_hours, int) else dict(need_hours)
    need = pl.col("pollutant").replace_strict(by_pollutant, default=by_pollutant[""], return_dtype=pl.Float64)
    return _rolled(parts, "hours", need, 24.0, settings)


def as_reported(readings: pl.DataFrame, site_of: Mapping[str, str], interval: Interval) -> pl.DataFrame:
    """Return the hours (2061, a feed's file) or days (2031) as the source gave them.

    Returns
    -------
    DataFrame of `ROLLUP_SCHEMA`
        Basis ``file`` where the origin is a file, ``device`` otherwise; ``count`` 0, because the source gave it whole.
    """
    rows = _with_site(readings.filter((pl.col("interval") == interval) & pl.col("stat").is_in(list(STATS))), site_of)
    basis = pl.when(pl.col("origin") == "file").then(pl.lit("file")).otherwise(pl.lit("device"))
    rows = rows.with_columns(basis=basis, count=pl.lit(0, pl.Int32))
    return _best(rows, [*ROLLUP_KEY]).select(COLUMNS).sort(ORDER)


def of_record(rollups: pl.DataFrame) -> pl.DataFrame:
    """Return one row for each site, pollutant, stat and start: the hour (day) of record.

    The source's own figure stands before ours (order of `bihuan.core.BASES`). One that is ``missing`` steps back behind
    any that has a value; one that its source marks ``bad`` does not: the operator said that this hour is no
    measurement, and our mean of the same minutes does not overrule that.
    """
    if rollups["basis"].n_unique() <= 1:
        return rollups  # one row a key already: a year of a feed need not be sorted to find that out
    rank = pl.col("basis").replace_strict({name: place for place, name in enumerate(BASES)}, return_dtype=pl.Int64)
    return (
        rollups.with_columns(_rank=rank + pl.when(pl.col("quality") == "missing").then(len(BASES)).otherwise(0))
        .sort(*SERIES, "start", "_rank")
        .unique([*SERIES, "start"], keep="first", maintain_order=True)
        .select(rollups.columns)
    )


def hours_touched(readings: pl.DataFrame, site_of: Mapping[str, str]) -> pl.DataFrame:
    """Return the hours that a batch of readings changes, so that late data recompute only these.

    Returns
    -------
    DataFrame with site, pollutant, start, end
        Unique and sorted.
    """
    rows = _with_site(readings.filter(pl.col("interval").is_in(["rt", "minute"])), site_of)
    hour = pl.col("start").dt.truncate("1h")
    rows = rows.select("site", "pollutant", start=hour, end=hour.dt.offset_by("1h"))
    return rows.unique().sort("site", "pollutant", "start")


def days_touched(hours: pl.DataFrame, zone: ZoneInfo = CHINA) -> pl.DataFrame:
    """Return the natural days that a batch of hours changes: site, pollutant, start, end; unique and sorted."""
    rows = _local_days(hours, zone).select("site", "pollutant", start="bin_start", end="bin_end")
    return rows.unique().sort("site", "pollutant", "start")


def _with_site(readings: pl.DataFrame, site_of: Mapping[str, str]) -> pl.DataFrame:
    names = {"device": list(site_of), "site": list(site_of.values())}
    claimed = pl.DataFrame(names, schema={"device": pl.String, "site": pl.String})
    return readings.join(claimed, on="device", how="inner", maintain_order="left")


def _best(rows: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Where two devices of one site speak of the same thing take a usable one, then the first by name."""
    lost = pl.col("value").is_null() | pl.col("quality").is_in(list(LOST))
    return rows.sort(*key, lost, "device").unique(key, keep="first", maintain_order=True)


def _parts(readings: pl.DataFrame, site_of: Mapping[str, str]) -> pl.DataFrame:
    """Minute means; instants only for the hours in which a site sent no minute mean of that stat."""
    rows = _with_site(readings, site_of)
    minutes = rows.filter((pl.col("interval") == "minute") & pl.col("stat").is_in(list(STATS)))
    instants = rows.filter((pl.col("interval") == "rt") & pl.col("stat").is_in(list(OF_INSTANTS)))
    hour = pl.col("start").dt.truncate("1h").alias("hour")
    key = [*SERIES, "hour"]
    instants = instants.with_columns(hour, stat=pl.col("stat").replace(OF_INSTANTS))
    instants = instants.join(minutes.with_columns(hour).select(key).unique(), on=key, how="anti").drop("hour")
    return _best(pl.concat([minutes, instants]), [*SERIES, "start"])


def _local_days(hours: pl.DataFrame, zone: ZoneInfo) -> pl.DataFrame:
    midnight = pl.col("start").dt.convert_time_zone(zone.key).dt.truncate("1d")
    return hours.with_columns(
        bin_start=midnight.dt.convert_time_zone("UTC"),
        bin_end=midnight.dt.offset_by("1d").dt.convert_time_zone("UTC"),
    )


def _rolled(parts: pl.DataFrame, basis: str, need: pl.Expr, whole: float, settings: Settings | None) -> pl.DataFrame:
    """Average parts with columns weight, bin_start, bin_end and judge the result."""
    rule = (settings or default_settings())["rollup"]
    key = [*SERIES, "bin_start", "bin_end"]
    usable = pl.col("value").is_not_null() & ~pl.col("quality").is_in(list(LOST))
    parts = parts.sort(*SERIES, "start").with_columns(usable=usable)
    rows = (
        parts.group_by(key, maintain_order=True)
        .agg(*_figures(), *_levels())
        .join(_most(parts.filter(usable & (pl.col("quality") == "suspect")), key, "doubt"), on=key, how="left")
        .join(_most(parts.filter(~usable), key, "loss"), on=key, how="left")
        .with_columns(pl.col("doubt", "loss", "loss_mark").fill_null(pl.lit("")))
        .with_columns(value=_value(float(rule["steady_wind"])))
    )
    none = pl.col("value").is_null()
    few = pl.min_horizontal("weight", pl.lit(whole)) < need - 1e-9
    doubtful = pl.col("doubted") >= float(rule["suspect_share"]) * pl.col("weight")
    turning = none & (pl.col("weight") > 0)
    cases = (
        (turning, "missing", pl.lit("wind_variable")),
        (none, "missing", pl.when(pl.col("loss") == "").then(pl.lit("no_value")).otherwise("loss")),
        (few, "bad", pl.lit("too_few")),
        (doubtful, "suspect", pl.col("doubt")),
    )
    quality, reason = pl.lit("good"), pl.lit("")
    for condition, name, why in reversed(cases):
        quality = pl.when(condition).then(pl.lit(name)).otherwise(quality)
        reason = pl.when(condition).then(why).otherwise(reason)
    mark = pl.when(none | few).then("loss_mark").otherwise(pl.lit(""))
    rows = rows.with_columns(quality=quality, reason=reason, mark=mark, basis=pl.lit(basis))
    rows = rows.rename({"bin_start": "start", "bin_end": "end"})
    return rows.select(COLUMNS).sort(ORDER)


def _figures() -> tuple[pl.Expr, ...]:
    value, weight = pl.col("value").filter("usable"), pl.col("weight").filter("usable")
    angle = value.radians()
    return (
        (value * weight).sum().alias("weighted"),
        (angle.sin() * weight).sum().alias("east"),
        (angle.cos() * weight).sum().alias("north"),
        weight.sum().alias("weight"),
        pl.col("weight").filter(pl.col("usable") & (pl.col("quality") == "suspect")).sum().alias("doubted"),
        pl.col("usable").sum().cast(pl.Int32).alias("count"),
        value.min().alias("least"),
        value.max().alias("most"),
        value.sum().alias("total"),
    )


def _levels() -> tuple[pl.Expr, ...]:
    """A mean is as final as its least final part."""
    level = pl.col("level")
    same = level.n_unique() == 1
    return (
        pl.when(same)
        .then(level.first())
        .when((level == "realtime").any())
        .then(pl.lit("realtime"))
        .otherwise(pl.lit("reviewed"))
        .alias("level"),
    )


def _value(steady: float) -> pl.Expr:
    stat, some = pl.col("stat"), pl.col("count") > 0
    turn = pl.arctan2("east", "north").degrees()
    direction = pl.when(turn < 0).then(turn + 360).otherwise(turn)
    length = (pl.col("east") ** 2 + pl.col("north") ** 2).sqrt() / pl.col("weight")
    mean = pl.col("weighted") / pl.col("weight")
    wind = (pl.col("pollutant") == "wind_from") & (stat == "avg")
    figure = (
        pl.when(wind & (length < steady))
        .then(None)
        .when(wind)
        .then(direction.round(6) % 360)
        .when(stat.is_in(list(MEANS)))
        .then(mean)
        .when(stat.is_in(["min", "zs_min"]))
        .then("least")
        .when(stat.is_in(["max", "zs_max"]))
        .then("most")
        .otherwise("total")
    )
    return pl.when(some).then(figure.round(9)).otherwise(None)


def _most(rows: pl.DataFrame, key: list[str], name: str) -> pl.DataFrame:
    """The reason, with its mark, that took the most time of each mean; ties go to the first by name."""
    weights = rows.group_by([*key, "reason", "mark"]).agg(pl.col("weight").sum())
    ordered = weights.sort([*key, "weight", "reason", "mark"], descending=[*[False] * len(key), True, False, False])
    first = ordered.unique(key, keep="first", maintain_order=True)
    return first.select(*key, pl.col("reason").alias(name), pl.col("mark").alias(f"{name}_mark"))

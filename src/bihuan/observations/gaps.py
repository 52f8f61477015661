"""What should have come and did not: gaps by the expected rhythm, and the transmission rate (传输率)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.core import CHINA, Interval, Period, Ref, local_date
from bihuan.register import Device, Register

INSTANT: pl.DataType = pl.Datetime("us", "UTC")
DUE_SCHEMA = pl.Schema({"device": pl.String(), "interval": pl.String(), "start": INSTANT, "end": INSTANT})
GAPS_SCHEMA = pl.Schema(
    {"device": pl.String(), "interval": pl.String(), "start": INSTANT, "end": INSTANT, "missing": pl.Int64()}
)
RATES_SCHEMA = pl.Schema(
    {
        "device": pl.String(),
        "interval": pl.String(),
        "due": pl.Int64(),
        "received": pl.Int64(),
        "valid": pl.Int64(),
        "transmission": pl.Float64(),
        "validity": pl.Float64(),
        "efficiency": pl.Float64(),
    }
)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What one device owes.

    Attributes
    ----------
    device : str
    site : Ref
    interval : Interval
    seconds : int
        Between two reports. [s]
    since : date
        First day it owes them, in the city's calendar.
    began : datetime or None
        When it was heard first: nothing was due before. None where that is not known.
    """

    device: str
    site: Ref
    interval: Interval
    seconds: int
    since: date
    began: datetime | None = None


def rhythms(register: Register, on: date) -> tuple[Rhythm, ...]:
    """Return the expected rhythm of every logger of the register on a day, by device and interval."""
    return tuple(
        Rhythm(device.id, Ref.parse(device.site), interval, seconds, device.valid_from)  # type: ignore[arg-type]
        for device in register.all(Device, on)
        for interval, seconds in sorted(device.rhythm.items())
        if seconds > 0
    )


def gaps(readings: pl.DataFrame, owed: Iterable[Rhythm], period: Period, zone: ZoneInfo = CHINA) -> pl.DataFrame:
    """Return every span of a period in which a device sent nothing that it owed.

    Parameters
    ----------
    readings : DataFrame of `READINGS_SCHEMA`
        Any pollutant counts as a report; a row without value too: the device spoke.
    owed : iterable of Rhythm
    period : Period
        A report is due for each step of the rhythm, counted from the epoch, that lies wholly in it.

    Returns
    -------
    DataFrame of `GAPS_SCHEMA`
        Neighbouring missing steps joined to one row; ``missing`` counts them. Sorted by device, interval, start.
    """
    owed = tuple(owed)
    due = _due(owed, period, zone)
    lost = due.join(_reports(readings, owed, period), on=["device", "interval", "start"], how="anti")
    lost = lost.sort("device", "interval", "start")
    key = ["device", "interval"]
    fresh = (pl.col("start") != pl.col("end").shift(1).over(key)).fill_null(True)
    return (
        lost.with_columns(span=fresh.cum_sum())
        .group_by(*key, "span", maintain_order=True)
        .agg(pl.col("start").first(), pl.col("end").last(), missing=pl.len().cast(pl.Int64))
        .select(GAPS_SCHEMA.names())
    )


def transmission(
    readings: pl.DataFrame, owed: Iterable[Rhythm], period: Period, zone: ZoneInfo = CHINA
) -> pl.DataFrame:
    """Return transmission rate, validity rate and their product for every device and interval.

    Returns
    -------
    DataFrame of `RATES_SCHEMA`
        ``transmission`` = received / due (传输率), ``validity`` = valid / received (有效率), ``efficiency`` = their
        product (传输有效率); null where nothing was due or nothing came. A report is valid when at least half of its
        values are usable.

    Notes
    -----
    Source of the product: the two sources of rules.md section 3 (confirmed); the half is a choice of ours, because
    the marking rules of 公告 2022-21 judge each pollutant and this table judges the device.
    """
    key = ["device", "interval"]
    owed = tuple(owed)
    due = _due(owed, period, zone)
    came = due.join(_reports(readings, owed, period), on=[*key, "start"], how="left")
    counts = came.group_by(key).agg(
        due=pl.len().cast(pl.Int64),
        received=pl.col("usable").is_not_null().sum().cast(pl.Int64),
        valid=(pl.col("usable") >= 0.5).sum().cast(pl.Int64),
    )
    received = pl.when(pl.col("received") > 0).then("received")
    rates = counts.with_columns(transmission=pl.col("received") / pl.col("due"), validity=pl.col("valid") / received)
    rates = rates.with_columns(efficiency=pl.col("transmission") * pl.col("validity"))
    return rates.select(RATES_SCHEMA.names()).sort(key)


def _due(owed: tuple[Rhythm, ...], period: Period, zone: ZoneInfo) -> pl.DataFrame:
    """One row for each report owed: device, interval, start, end."""
    frames = [pl.DataFrame(schema=DUE_SCHEMA)]
    first, last = period.start.timestamp(), period.end.timestamp()
    for rhythm in owed:
        begin = -(-first // rhythm.seconds) * rhythm.seconds
        steps = max(int((last - begin) // rhythm.seconds), 0)
        starts = (pl.Series(range(steps), dtype=pl.Int64) * rhythm.seconds + int(begin)) * 1_000_000
        frame = pl.DataFrame({"start": starts.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")})
        if rhythm.since > local_date(period.start, zone):
            frame = frame.filter(pl.col("start").dt.convert_time_zone(zone.key).dt.date() >= rhythm.since)
        if rhythm.began is not None:
            frame = frame.filter(pl.col("start") >= rhythm.began)
        frame = frame.with_columns(
            device=pl.lit(rhythm.device),
            interval=pl.lit(rhythm.interval),
            end=pl.col("start").dt.offset_by(f"{rhythm.seconds}s"),
        )
        frames.append(frame.select(frames[0].columns))
    return pl.concat(frames)


def _reports(readings: pl.DataFrame, owed: tuple[Rhythm, ...], period: Period) -> pl.DataFrame:
    """One row for each step of the rhythm in which a report came: device, interval, start, share of usable values."""
    usable = pl.col("value").is_not_null() & ~pl.col("quality").is_in(["bad", "missing"])
    steps = pl.DataFrame(
        [(rhythm.device, rhythm.interval, rhythm.seconds * 1_000_000) for rhythm in owed],
        schema={"device": pl.String, "interval": pl.String, "step": pl.Int64},
        orient="row",
    )
    inside = readings.filter((pl.col("start") >= period.start) & (pl.col("start") < period.end))
    inside = inside.join(steps, on=["device", "interval"], how="inner")
    whole = pl.col("start").dt.timestamp("us") // pl.col("step") * pl.col("step")
    inside = inside.with_columns(start=whole.cast(pl.Datetime("us")).dt.replace_time_zone("UTC"))
    return inside.group_by("device", "interval", "start").agg(usable=usable.mean())

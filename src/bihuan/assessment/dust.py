"""Sand-dust: hours that the authority has confirmed are taken out of PM10 and PM2.5, and both values are kept.

The national centre decides, a city files evidence (环办监测〔2016〕120号); what is computed here is a proposal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.assessment.means import KEYS, concentration, daily_means, quotient, whole
from bihuan.core import CHINA, InputError
from bihuan.standards import Standard, editions, lookup

CODE = "sand-dust deduction"
DUSTY = ("pm10", "pm25")
"""Pollutants from which dust is taken out."""

CONFIRMED = "confirmed"
DUST_SCHEMA = pl.Schema(
    {
        "site": pl.String(),
        "start": pl.Datetime("us", "UTC"),
        "end": pl.Datetime("us", "UTC"),
        "evidence": pl.String(),
        "decision": pl.String(),
    }
)
"""One event a row: its hours (end exclusive), what was filed, and ``proposed``, ``confirmed`` or ``rejected``."""


def deduct_dust(hours: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Set the values without dust beside those measured.

    Parameters
    ----------
    hours : DataFrame
        ``site start end`` and pollutants. [ug/m3]
    events : DataFrame
        Rows of `DUST_SCHEMA`; only confirmed ones take anything out.

    Returns
    -------
    DataFrame
        With ``dust`` (whether the hour lies in a confirmed event), and ``pm10_deducted``, ``pm25_deducted``: the values
        measured, null in those hours.

    Raises
    ------
    InputError
        If the table of events lacks a column, or holds another decision.
    """
    absent = [name for name in DUST_SCHEMA.names() if name not in events.columns]
    if absent:
        raise InputError(f"dust events have no {', '.join(absent)}; they need: {', '.join(DUST_SCHEMA.names())}")
    strange = set(events["decision"].unique()) - {"proposed", CONFIRMED, "rejected"}
    if strange:
        raise InputError(f"decision {sorted(strange)} of a dust event; there are: proposed, confirmed, rejected")
    dust = np.zeros(hours.height, bool)
    for event in events.filter(pl.col("decision") == CONFIRMED).iter_rows(named=True):
        inside = (pl.col("site") == event["site"]) & (pl.col("start") < event["end"]) & (pl.col("end") > event["start"])
        dust |= hours.select(inside).to_series().to_numpy()
    marked = hours.with_columns(pl.Series("dust", dust))
    present = [code for code in DUSTY if code in hours.columns]
    return marked.with_columns(
        pl.when("dust").then(None).otherwise(pl.col(code)).alias(f"{code}_deducted") for code in present
    )


def dust_days(
    hours: pl.DataFrame, events: pl.DataFrame, *, zone: ZoneInfo = CHINA, allow: frozenset[str] = frozenset()
) -> pl.DataFrame:
    """Return days with both values of PM10 and PM2.5.

    Parameters
    ----------
    hours, events
        As in `deduct_dust`.
    zone : ZoneInfo
    allow : frozenset of str
        ``dust_2016_120#replacement`` lets a day with less than half of its hours taken out keep the mean of the others;
        left out, a day with fewer hours left than GB 3095 asks for has no value without dust.

    Returns
    -------
    DataFrame
        As `daily_means` of the hours measured, with ``pm10_deducted``, ``pm25_deducted`` and ``dust_hours``.
    """
    marked = deduct_dust(hours, events)
    present = [code for code in DUSTY if code in hours.columns]
    measured = daily_means(hours, zone=zone)
    left = marked.select(*KEYS, *(pl.col(f"{code}_deducted").alias(code) for code in present))
    kept = daily_means(left, zone=zone)
    days = measured.with_columns(kept[code].alias(f"{code}_deducted") for code in present)
    days = days.with_columns(_dust_hours(marked, measured, zone))
    first = days["start"].dt.convert_time_zone(zone.key).dt.date()
    for code in present:
        shares = np.array([_kept_below(day, allow) for day in first], dtype=np.float64)
        mean, ratio = _mean_of_rest(left, code, measured, zone)
        enough = np.isfinite(shares) & (ratio < shares) & (days["dust_hours"].to_numpy() > 0)
        own = concentration(days, f"{code}_deducted")
        days = days.with_columns(
            pl.Series(f"{code}_deducted", np.where(np.isnan(own) & enough, mean, own)).fill_nan(None)
        )
    return days


def _dust_hours(marked: pl.DataFrame, days: pl.DataFrame, zone: ZoneInfo) -> pl.Series:
    day = pl.col("start").dt.convert_time_zone(zone.key).dt.date().alias("day")
    counted = marked.group_by("site", day).agg(pl.col("dust").sum().cast(pl.Int32).alias("dust_hours"))
    return days.select("site", day).join(counted, on=["site", "day"], how="left", maintain_order="left")["dust_hours"]


def _mean_of_rest(
    left: pl.DataFrame, code: str, days: pl.DataFrame, zone: ZoneInfo
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean of the hours left of each day, and which share of its measured hours was taken out."""
    day = pl.col("start").dt.convert_time_zone(zone.key).dt.date().alias("day")
    values, present = whole(concentration(left, code))
    parts = left.select("site", day).with_columns(sum=pl.Series(values), n=pl.Series(present.astype(np.int64)))
    summed = parts.group_by("site", "day").sum()
    found = days.select("site", day, f"count_{code}").join(
        summed, on=["site", "day"], how="left", maintain_order="left"
    )
    kept, measured = found["n"].to_numpy(), found[f"count_{code}"].to_numpy()
    dropped = np.divide(measured - kept, measured, out=np.zeros(len(kept)), where=measured > 0)
    return quotient(found["sum"].to_numpy(), kept.astype(np.int64)), dropped


def _kept_below(day: date, allow: frozenset[str]) -> float:
    law = dust_law(day, allow)
    rows = law.table("replacement") if law else ()
    return float(rows[0]["dropped_below_share"]) if rows else float("nan")


def dust_law(on: date, allow: frozenset[str] = frozenset()) -> Standard | None:
    """Return the rules of a day, None before there were any."""
    return lookup(CODE, on=on, allow=allow) if on >= editions(CODE)[0].effective_from else None


def without_dust(days: pl.DataFrame) -> pl.DataFrame:
    """Return days for PM10, PM2.5 and the composite index: the values without dust in place of those measured.

    Day counts (good days, heavy days) take the days as they were measured: the national report keeps dust there.
    """
    present = [code for code in DUSTY if f"{code}_deducted" in days.columns]
    return days.with_columns(pl.col(f"{code}_deducted").alias(code) for code in present)


def propose_dust(hours: pl.DataFrame, *, zone: ZoneInfo = CHINA) -> pl.DataFrame:
    """Look for hours that look like dust, for a person to file.

    Parameters
    ----------
    hours : DataFrame
        ``site start end pm10 pm25``. [ug/m3]
    zone : ZoneInfo

    Returns
    -------
    DataFrame
        Rows of `DUST_SCHEMA`, all ``proposed``; ``evidence`` tells PM10 before and at the onset and the share of
        PM2.5. The formulas are recalled (status unconfirmed), so nothing is ever taken out by this.
    """
    found: list[dict[str, Any]] = []
    for (site,), part in hours.sort("start").group_by(["site"], maintain_order=True):
        day = part["start"][0].astimezone(zone).date()
        law = lookup(CODE, on=max(day, editions(CODE)[0].effective_from), allow_unconfirmed=True)
        found += _events_of(str(site), part, law)
    return pl.DataFrame(found, schema=DUST_SCHEMA)


def _events_of(site: str, hours: pl.DataFrame, law: Standard) -> Iterator[dict[str, Any]]:
    onset, back = law.row("onset", "pm10"), float(law.row("end", "pm10")["within_share"])
    pm10, pm25 = concentration(hours, "pm10"), concentration(hours, "pm25")
    starts: list[datetime] = hours["start"].to_list()
    before, at = int(onset["hours_before"]), int(onset["hours_before"])
    while at < len(pm10):
        base, fine = pm10[at - before : at].mean(), pm25[at - before : at].mean()
        if not _begins(onset.fields, float(pm10[at]), float(pm25[at]), float(base), float(fine)):
            at += 1
            continue
        end = at + 1
        while end < len(pm10) and not pm10[end] <= base * (1 + back):
            end += 1
        evidence = f"pm10 {base:.0f} -> {pm10[at]:.0f} ug/m3; pm25/pm10 {fine / base:.2f} -> {pm25[at] / pm10[at]:.2f}"
        last = starts[end] if end < len(starts) else hours["end"].to_list()[-1]
        yield {"site": site, "start": starts[at], "end": last, "evidence": evidence, "decision": "proposed"}
        at = end + 1


def _begins(onset: Mapping[str, Any], pm10: float, pm25: float, base: float, fine: float) -> bool:
    """Whether an hour is the first of an event; a missing value says nothing (every comparison with NaN is false)."""
    risen = pm10 >= float(onset["times_mean"]) * base and pm10 > float(onset["above"])
    return bool(risen and pm25 / pm10 <= float(onset["ratio_share"]) * fine / base)

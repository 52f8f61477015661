"""传输率, 有效率, 传输有效率 of outlets in a month: what was due, received and valid, what can still be repaired."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.core import CHINA, HOUR, InputError, Period, Ref, floor_to, local_date
from bihuan.register import Outlet
from bihuan.standards import Standard, lookup

CODE = "transmission efficiency"
LEVELS = ("outlet", "enterprise", "district")

COUNTS = ("due", "received", "valid", "marked")


@dataclass(frozen=True, slots=True)
class Transmission:
    """A month of outlets.

    Attributes
    ----------
    period : Period or None
        From its beginning to now, or to its end; None before it has begun.
    rows : DataFrame
        One row an outlet: ``site enterprise district``, and hours times items that were ``due received valid marked``.
    open : DataFrame
        Spans of hours that are missing or not valid and can still be repaired:
        ``site pollutant start end hours why until``; ``why`` is ``missing``, ``invalid`` or ``marked``, ``until`` the
        instant after which the first of them cannot be repaired any more.
    repair_days : int
        How long an hour can be repaired.
    status : str
        Of that rule.
    """

    period: Period | None
    rows: pl.DataFrame
    open: pl.DataFrame
    repair_days: int
    status: str

    def by(self, level: str) -> pl.DataFrame:
        """Return the counts and shares by ``outlet``, ``enterprise`` or ``district``.

        ``transmission`` is received of due, ``validity`` valid of received, ``efficiency`` their product; null where
        nothing is in the denominator.

        Raises
        ------
        InputError
            If the level is none of the three.
        """
        if level not in LEVELS:
            raise InputError(f"level {level!r} is unknown; known: {', '.join(LEVELS)}")
        key = "site" if level == "outlet" else level
        found = self.rows.group_by(key, maintain_order=True).agg(*(pl.col(name).sum() for name in COUNTS))
        return found.with_columns(
            _share("received", "due").alias("transmission"),
            _share("valid", "received").alias("validity"),
            # the product of the two, and 0 where nothing came at all
            _share("valid", "due").alias("efficiency"),
        ).sort("efficiency", key, nulls_last=True)


def _share(part: str, whole: str) -> pl.Expr:
    return pl.when(pl.col(whole) > 0).then(pl.col(part) / pl.col(whole))


def outlet_transmission(
    outlets: Iterable[Outlet],
    hours: pl.DataFrame,
    month: Period,
    now: datetime,
    *,
    zone: ZoneInfo = CHINA,
    allow: frozenset[str] = frozenset(),
    since: Mapping[str, datetime] | None = None,
) -> Transmission:
    """Count the hours of outlets in a month.

    Parameters
    ----------
    outlets : iterable of Outlet
        Those that owe data; what is due is each hour of each item of the permit.
    hours : DataFrame
        Hours of record (`bihuan.core.ROLLUP_SCHEMA`), averages.
    month : Period
    now : datetime
        Hours that are not over are not due.
    zone : ZoneInfo
        Of the days on which a permit begins or ends.
    allow : frozenset of str
        ``transmission_efficiency#marked`` leaves marked hours out of the validity rate.
    since : mapping of str to datetime, optional
        First hour that ever came of a site: nothing was due before it was connected. A site that is not in it owes
        every hour.

    Raises
    ------
    NotCovered
        If no edition of the counting rules is in force.
    """
    law = lookup(CODE, on=local_date(month.start, zone), allow=allow)
    end = min(month.end, floor_to(now, HOUR))
    due = _due(outlets, month.start, end, zone, since or {})
    seen = due.join(_states(hours), on=["site", "pollutant", "start"], how="left").with_columns(
        pl.col("state").fill_null("missing")
    )
    rule = law.row("repair", "hour")
    return Transmission(
        period=Period(month.start, end) if end > month.start else None,
        rows=_counts(seen, law),
        open=_repairable(seen, now, timedelta(days=int(rule["days"]))),
        repair_days=int(rule["days"]),
        status=rule.status,
    )


def _due(
    outlets: Iterable[Outlet], start: datetime, end: datetime, zone: ZoneInfo, since: Mapping[str, datetime]
) -> pl.DataFrame:
    """Every hour of every item of the permit, on the days on which the outlet was there and since it was connected."""
    items = [
        (str(Ref("outlet", one.id)), one.enterprise, one.district, item, one.valid_from, one.valid_to)
        for one in outlets
        for item in dict.fromkeys(limit.pollutant for limit in one.limits)
    ]
    schema: dict[str, pl.DataType] = {name: pl.String() for name in ("site", "enterprise", "district", "pollutant")}
    schema |= {"from": pl.Date(), "to": pl.Date()}
    begins = [start + number * HOUR for number in range(max(0, (end - start) // HOUR))]
    grid = pl.DataFrame({"start": begins}, schema={"start": pl.Datetime("us", "UTC")})
    crossed = pl.DataFrame(items, schema=schema, orient="row").join(grid, how="cross")
    day = pl.col("start").dt.convert_time_zone(zone.key).dt.date()
    there = (day >= pl.col("from")) & (pl.col("to").is_null() | (day < pl.col("to")))
    began = pl.col("site").replace_strict(dict(since), default=None, return_dtype=pl.Datetime("us", "UTC"))
    return crossed.filter(there & (began.is_null() | (pl.col("start") >= began))).drop("from", "to")


def _states(hours: pl.DataFrame) -> pl.DataFrame:
    """What came of each hour: valid, invalid or marked."""
    kept = hours.filter((pl.col("stat") == "avg") & pl.col("value").is_not_null() & (pl.col("quality") != "missing"))
    marked = pl.col("mark").str.split(";").list.eval(~pl.element().is_in(["", "N"])).list.any()
    state = pl.when(marked).then(pl.lit("marked")).when(pl.col("quality") == "bad").then(pl.lit("invalid"))
    return kept.select("site", "pollutant", "start", state.otherwise(pl.lit("valid")).alias("state")).unique(
        ["site", "pollutant", "start"], keep="first", maintain_order=True
    )


def _counts(seen: pl.DataFrame, law: Standard) -> pl.DataFrame:
    """Sums by outlet; marked hours leave both numbers of the validity rate only where a city has switched that on."""
    left_out = any(row["counted"] is False for row in law.table("marked"))
    received = pl.col("state") != "missing"
    if left_out:
        received = received & (pl.col("state") != "marked")
    due = pl.col("state") != "marked" if left_out else pl.lit(True)
    return seen.group_by("site", "enterprise", "district", maintain_order=True).agg(
        due.sum().cast(pl.Int64).alias("due") if left_out else pl.len().cast(pl.Int64).alias("due"),
        received.sum().cast(pl.Int64).alias("received"),
        (pl.col("state") == "valid").sum().cast(pl.Int64).alias("valid"),
        (pl.col("state") == "marked").sum().cast(pl.Int64).alias("marked"),
    )


def _repairable(seen: pl.DataFrame, now: datetime, window: timedelta) -> pl.DataFrame:
    bad = seen.filter((pl.col("state") != "valid") & (pl.col("start") + HOUR + window > now))
    ordered = bad.sort("site", "pollutant", "start")
    breaks = (
        (pl.col("start").diff() != HOUR)
        | (pl.col("site") != pl.col("site").shift())
        | (pl.col("pollutant") != pl.col("pollutant").shift())
        | (pl.col("state") != pl.col("state").shift())
    ).fill_null(True)
    spans = ordered.with_columns(breaks.cum_sum().alias("span")).group_by("span", maintain_order=True)
    return (
        spans.agg(
            pl.col("site").first(),
            pl.col("pollutant").first(),
            pl.col("start").first(),
            (pl.col("start").last() + HOUR).alias("end"),
            pl.len().cast(pl.Int64).alias("hours"),
            pl.col("state").first().alias("why"),
            (pl.col("start").first() + HOUR + window).alias("until"),
        )
        .drop("span")
        .sort("until", "site", "pollutant")
    )

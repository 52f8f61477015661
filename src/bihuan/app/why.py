"""Why a site says what it says now: the hour of a station or city, the class of a section, from what is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.app.filed import FILED
from bihuan.app.indexing import city_hours_of
from bihuan.app.town import Town
from bihuan.assessment import Explanation, explain_air, hourly_aqi
from bihuan.core import NATIONAL_SIX, Period, Ref, Verdict, from_json, local_date
from bihuan.store import Store


@dataclass(frozen=True, slots=True)
class Said:
    """What a site says of a period, and why.

    Attributes
    ----------
    period : Period
    aqi : int or None
        Of a station or city.
    label : str
        Level of the index, or class of the water.
    why : Explanation
    """

    period: Period
    aqi: int | None
    label: str
    why: Explanation


def hour_said(
    store: Store, town: Town, ref: Ref, name: str, until: datetime, back: timedelta, zone: ZoneInfo
) -> Said | None:
    """Return the index of the last hour of a station or city before an instant, None without any value.

    Parameters
    ----------
    store, town
    ref : Ref
        ``station:...`` or ``city:...``.
    name : str
        As the sentence shall call it.
    until : datetime
        End of the hour at the latest, UTC.
    back : timedelta
        How far to look back.
    zone : ZoneInfo
    """
    wide = city_hours_of(store.series, town, [str(ref)], Period(until - back, until)).filter(pl.col("site") == str(ref))
    wide = wide.filter(pl.any_horizontal(pl.col(code).is_not_null() for code in NATIONAL_SIX))
    if wide.is_empty():
        return None
    row = hourly_aqi(wide, zone=zone).sort("start").row(-1, named=True)
    row |= {"site": name, "edition": row["standard"], "method": "hour_1h"}
    return Said(Period(row["start"], row["end"]), row["aqi"], row["label"], explain_air(row))


def section_said(store: Store, ref: Ref, name: str, until: datetime, back: timedelta, zone: ZoneInfo) -> Said | None:
    """Return the last class of a section that was judged before an instant, None without one.

    The concentrations of the verdict are judged once more as a file of one row would be, so that a section and a file
    are explained in the same words.
    """
    rows = store.records.find("verdict", subject=str(ref), since=until - back, until=until)
    found = [from_json(row.body, Verdict) for row in rows]
    classes = [one for one in found if one.kind == "section_class" and one.label]
    if not classes or "water" not in FILED:
        return None
    last = max(classes, key=lambda one: one.period.start)
    day = local_date(last.period.start, zone)
    sample = {"site": name, "date": str(day), "water_body": "river"}
    values = {code: value for code, value, _ in last.items if value is not None}
    judged = FILED["water"].judge(pl.DataFrame([sample | values]), zone=zone).verdicts
    if judged.is_empty():
        return None
    return Said(last.period, None, last.label, FILED["water"].explain(judged.row(0, named=True)))

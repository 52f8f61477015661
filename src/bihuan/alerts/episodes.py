"""Heavy-pollution episodes of a measured series: from which hour to which, which grade, which hours speak for it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.alerts.ladder import Hours, Scheme, hour_orders, runs, window_means
from bihuan.alerts.proposals import Speaks, speaks_for
from bihuan.core import CHINA, Period


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode as the ladder sees it in hindsight.

    Attributes
    ----------
    period : Period
        Every hour for which some grade is due.
    grade : str
        The highest among them.
    speaks : tuple of Speaks
        Hours above each threshold of the plan, lowest threshold first.
    """

    period: Period
    grade: str
    speaks: tuple[Speaks, ...]


def episodes(
    table: pl.DataFrame, scheme: Scheme, dust_days: Collection[date] = (), zone: ZoneInfo = CHINA
) -> tuple[Episode, ...]:
    """Return the episodes of a measured series, as if each hour had been forecast rightly; oldest first.

    Parameters
    ----------
    table : DataFrame
        ``start`` (UTC) and ``aqi`` of the city, hourly; some days before the first one asked for.
    scheme : Scheme
    dust_days : collection of date
        Days of sand and dust, where the plan leaves them out.
    zone : ZoneInfo

    Notes
    -----
    Carries the stamp 按实况反演,非实际发布 (``warning.replay_stamp``) wherever it is shown, as `grade_history` does.
    """
    hours = Hours.of(table, dust_days if scheme.leaves_out_dust else (), zone)
    orders, means = hour_orders(hours, scheme, zone), window_means(hours.aqi)
    return tuple(
        Episode(
            period=hours.period(start, end),
            grade=scheme.code(int(orders[start:end].max())),
            speaks=speaks_for(means, hours, (start, end), scheme),
        )
        for start, end in runs(orders > 0)
    )

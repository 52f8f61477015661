"""What is read out of the series, the same for each of its back ends: everything here is a SELECT."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, get_args

import numpy as np
import polars as pl

from bihuan.core import HOUR, InputError, Interval, Period, Place, Series, Stat
from bihuan.store.batches import in_order, instants_of, literal, spot_of, spots_clause, where_of
from bihuan.store.indices import INDICES, VERDICT_ID
from bihuan.store.segments import Position
from bihuan.store.tables import DAYS, HOURS, LATEST_KEY, READINGS, TABLES, Kept, names_of


class SeriesReading(ABC):
    """The reading half of a series store; a back end brings `query`."""

    @abstractmethod
    def query(self, sql: str, values: Sequence[Any] = ()) -> pl.DataFrame:
        """Return the answer to a SELECT, of what is committed; instants are in UTC."""

    def readings(
        self,
        devices: Iterable[str] | None = None,
        pollutants: Iterable[str] | None = None,
        interval: Interval | None = None,
        period: Period | None = None,
    ) -> pl.DataFrame:
        """Return readings whose period begins within `period`, ordered by key, with their ``revision``.

        Notes
        -----
        Interval and period stand as literals, by which blocks are left out unread. The loggers are a join: it gathers
        the few rows of each block, which one by one took twice as long to be handed out. What is the same in every
        row is put in here.
        """
        devices = None if devices is None else list(devices)
        where, values = where_of(None, device=devices, pollutant=pollutants)
        clauses = [where.removeprefix("WHERE ")] if where else []
        same: dict[str, str] = {"interval": interval} if interval else {}
        if devices is not None:
            clauses += [clause] if (clause := spots_clause(sorted({spot_of(device) for device in devices}))) else []
            same |= {"device": devices[0]} if len(devices) == 1 else {}
        clauses += [f'"interval" = {literal(interval)}'] if interval else []
        clauses += [f"start >= {literal(period.start)} AND start < {literal(period.end)}"] if period else []
        of_rows = f"WHERE {' AND '.join(clauses)}" if clauses else ""
        columns = [*READINGS.columns, "revision"]
        asked = names_of([column for column in columns if column not in same])
        found = self.query(f"SELECT {asked} FROM {READINGS.stored} {of_rows}", values)
        found = found.with_columns(pl.lit(text).alias(column) for column, text in same.items())
        return in_order(found.select(columns), READINGS.key)

    def hours(
        self,
        sites: Iterable[str] | None = None,
        pollutants: Iterable[str] | None = None,
        period: Period | None = None,
        *,
        stat: Stat | None = None,
        of_record: bool = False,
    ) -> pl.DataFrame:
        """Return hourly rows, ordered by key.

        Parameters
        ----------
        sites : iterable of str
            As in the table: ``station:1001A``.
        of_record : bool
            Only one basis an hour: the device's own 2061 or the feed's before our own means.
        """
        return self._rollup(HOURS, period, of_record, site=sites, pollutant=pollutants, stat=stat and [stat])

    def days(
        self,
        sites: Iterable[str] | None = None,
        pollutants: Iterable[str] | None = None,
        period: Period | None = None,
        *,
        stat: Stat | None = None,
        of_record: bool = False,
    ) -> pl.DataFrame:
        """Return daily rows; parameters as for `hours`."""
        return self._rollup(DAYS, period, of_record, site=sites, pollutant=pollutants, stat=stat and [stat])

    def means_by_day(self, sites: Iterable[str], period: Period, offset: timedelta, stat: Stat = "avg") -> pl.DataFrame:
        """Return plain means of the good hours of each local day: site, pollutant, day, value, count.

        Parameters
        ----------
        offset : timedelta
            Of local time from UTC, the same over the period.

        Notes
        -----
        For looking over months of many sites at once. The days that the standard makes valid are `days`.
        """
        if stat not in get_args(Stat):
            raise InputError(f"stat {stat!r} is unknown; allowed are {', '.join(get_args(Stat))}")
        sites = list(sites)
        whole = self._are_most(sites, period)
        where, values = where_of(period, **({} if whole else {"site": sites}))
        day = f"(epoch_us(start) + {int(offset.total_seconds() * 1e6)}) // 86400000000"  # a calendar costs five times
        means = (
            f"SELECT site, pollutant, DATE '1970-01-01' + CAST({day} AS INTEGER) AS day, avg(value) AS value, "
            f"CAST(count(value) AS INTEGER) AS count FROM hours {where} AND stat = '{stat}' AND quality = 'good' "
            f"GROUP BY site, pollutant, {day}"
        )
        if whole:  # to look each of many hours' site up costs a third of the whole answer
            of_sites, names = where_of(None, site=sites)
            means, values = f"SELECT * FROM ({means}) {of_sites}", [*values, *names]
        return self.query(means, values)

    def _are_most(self, sites: list[str], period: Period) -> bool:
        """Say whether some sites are a quarter at least of those that have hours at the end of a period."""
        last = self.query("SELECT max(start) AS last FROM hours")["last"][0]
        if last is None:
            return False
        end = min(last + HOUR, period.end)
        where, values = where_of(Period(end - HOUR, end))
        return bool(self.query(f"SELECT count(DISTINCT site) <= {4 * len(sites)} FROM hours {where}", values).item())

    def series(
        self,
        site: str,
        pollutant: str,
        interval: Interval,
        period: Period,
        *,
        devices: Sequence[str] = (),
        stat: Stat = "avg",
        place: Place | None = None,
    ) -> Series:
        """Return one pollutant at one site as arrays: hours and days of record, or the devices' own shorter readings.

        Parameters
        ----------
        site : str
            As in the table of hours: ``station:1001A``.
        devices : sequence of str
            Loggers of the site; needed for ``minute`` and ``rt`` only.

        Raises
        ------
        InputError
            If `interval` is shorter than an hour and no device is named.
        """
        if interval in ("hour", "day"):
            kept = HOURS if interval == "hour" else DAYS
            rows = self._rollup(kept, period, True, site=[site], pollutant=[pollutant], stat=[stat])
        elif devices:
            rows = self.readings(devices, [pollutant], interval, period).filter(pl.col("stat") == stat)
            rows = rows.unique(subset="start", keep="first").sort("start")
        else:
            raise InputError(f"{interval} series of {site} needs the loggers of the site: give devices=(...)")
        return Series(
            site=site,
            pollutant=pollutant,
            interval=interval,
            start=instants_of(rows["start"]),
            end=instants_of(rows["end"]),
            value=rows["value"].fill_null(np.nan).to_numpy().astype(np.float64),
            usable=(~rows["quality"].is_in(["bad", "missing"]) & rows["value"].is_not_null()).to_numpy(),
            place=place,
        )

    def indices(
        self,
        sites: Iterable[str] | None = None,
        kind: str | None = None,
        period: Period | None = None,
        *,
        verdict: str | None = None,
    ) -> pl.DataFrame:
        """Return indices of `INDICES_SCHEMA` with their ``revision``, ordered by key.

        Parameters
        ----------
        verdict : str or None
            Only the row whose verdict has this id.
        """
        where, values = where_of(period, site=sites, kind=kind and [kind])
        if verdict is not None:
            where += f" {'AND' if where else 'WHERE'} {VERDICT_ID} = ?"
            values.append(verdict)
        return self.query(f"SELECT * FROM indices {where} ORDER BY {INDICES.order}", values)

    def files(self, sites: Iterable[str] | None = None, digest: str | None = None) -> pl.DataFrame:
        """Return what was imported (`FILES_SCHEMA`), the earliest first."""
        where, values = where_of(None, site=sites, digest=digest and [digest])
        return self.query(f"SELECT * FROM files {where} ORDER BY taken, name, digest, layout, site", values)

    def latest(self, devices: Iterable[str] | None = None) -> pl.DataFrame:
        """Return the newest reading of each device, pollutant, stat and interval."""
        where, values = where_of(None, device=devices)
        return in_order(self.query(f"SELECT * FROM latest {where}", values), LATEST_KEY)

    def touched(self, before: datetime) -> pl.DataFrame:
        """Return the hours of loggers that began before an instant and whose means do not hold what came since.

        Returns
        -------
        DataFrame with device, start
            Named by `append` and `flag`, until `append` is told that they are ``rolled``.
        """
        return self.query("SELECT device, start FROM touched WHERE start < ? ORDER BY device, start", [before])

    def consumed(self) -> dict[str, Position]:
        """Return up to where each gateway's journal has been read into the series."""
        rows = self.query('SELECT gateway, segment, "offset" FROM consumed ORDER BY gateway')
        return {gateway: Position(segment, offset) for gateway, segment, offset in rows.iter_rows()}

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each table."""
        sums = ", ".join(f"(SELECT count(*) FROM {name}) AS {name}" for name in TABLES)
        return {name: int(count) for name, count in self.query(f"SELECT {sums}").row(0, named=True).items()}

    def _rollup(
        self, kept: Kept, period: Period | None, of_record: bool, **columns: Iterable[str] | None
    ) -> pl.DataFrame:
        where, values = where_of(period, **columns)
        qualify = kept.of_record if of_record else ""
        return self.query(f"SELECT * FROM {kept.name} {where} {qualify} ORDER BY {kept.order}", values)

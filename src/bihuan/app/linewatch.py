"""Production without treatment (用电监管): meters of lines and run states of equipment, watched at each step.

What is said rests on readings of power, and where a line has no meter of its treatment on what the logger of the same
site told of its equipment (CN 2021). The thresholds are unconfirmed (`devices/electricity/states.toml`): what is found
is a reason for a visit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import polars as pl

from bihuan.alerts import Noticed, readings_ref
from bihuan.app.settingbook import Change, RunState, SettingBook, run_changes
from bihuan.app.town import Town
from bihuan.core import Period, Reading, Ref
from bihuan.devices.electricity import LineState, line_of, line_states, states
from bihuan.register import Device
from bihuan.store import Records

BACK = timedelta(hours=3)
"""Readings of power that are looked at: as many as the loop holds in memory."""

CURRENT = timedelta(minutes=20)
"""A state whose last reading is older says nothing about now."""

RUNS, RESTS = "1", "0"
"""Values of ``SBn-RS`` that say something; calibration, maintenance, alarm and blow-back (2 to 5) do not."""


class LineWatch:
    """Watches every line of a city.

    Parameters
    ----------
    records : Records
    book : SettingBook
        What loggers told of their equipment.
    """

    def __init__(self, records: Records, book: SettingBook) -> None:
        self._records, self._book = records, book
        self._town: Town | None = None
        self._meters: dict[str, Device] = {}

    def step(self, town: Town, recent: pl.DataFrame, now: datetime) -> tuple[Noticed, ...]:
        """Return how the lines stand, one a line whose state is known now.

        Parameters
        ----------
        town : Town
        recent : DataFrame of `READINGS_SCHEMA`
            Minutes of the last hours, of all loggers.
        now : datetime
        """
        if town is not self._town:
            self._town = town
            self._meters = {mn: one for mn, one in town.devices.items() if line_of(one) is not None}
        if not self._meters:
            return ()
        rows = recent.filter(
            (pl.col("pollutant") == "power")
            & (pl.col("interval") == "minute")
            & pl.col("device").is_in(list(self._meters))
            & (pl.col("start") >= now - BACK)
        )
        readings = [Reading(**row) for row in rows.iter_rows(named=True)]
        told = Told(self._records, self._book, town, now)
        found = line_states(self._meters.values(), readings, told=told.runs)
        return tuple(self._noticed(one, now) for one in _last(found, now))

    def _noticed(self, state: LineState, now: datetime) -> Noticed:
        site, period = Ref.parse(state.site), Period(state.start, state.end)
        inputs = [readings_ref(site, "power", "minute", period)]
        if state.control is None:
            inputs += [one.ref for one in run_changes(self._records, self._loggers(state.site), now - BACK)]
        return Noticed(
            metric="uncontrolled",
            site=site,
            since=state.start,
            over=state.work == "uncontrolled" and state.held,
            value=state.production or 0.0,
            threshold=states().on_above,
            pollutant="power",
            inputs=tuple(inputs),
        )

    def _loggers(self, site: str) -> list[str]:
        assert self._town is not None
        return [mn for mn, one in self._town.devices.items() if one.site == site and not one.line]


class Told:
    """What loggers told of the equipment of their sites, at instants of the last hours."""

    def __init__(self, records: Records, book: SettingBook, town: Town, now: datetime) -> None:
        self._records, self._book, self._town, self._now = records, book, town, now
        self._by_site: dict[str, dict[tuple[str, str], list[tuple[datetime, str]]]] = {}

    def runs(self, site: str, at: datetime) -> bool | None:
        """Say whether any equipment of a site ran; None unless all that was told of at all is known to rest."""
        equipment = self._of(site)
        values = [_at(told, at) for told in equipment.values()]
        if any(one == RUNS for one in values):
            return True
        return False if values and all(one == RESTS for one in values) else None

    def _of(self, site: str) -> dict[tuple[str, str], list[tuple[datetime, str]]]:
        if site not in self._by_site:
            found: dict[tuple[str, str], list[tuple[datetime, str]]] = {}
            for mn, device in self._town.devices.items():
                if device.site == site:
                    told = self._book.run_states(mn)
                    fresh = {code: one for code, one in told.items() if self._now - one.at <= CURRENT}
                    if len(fresh) == len(told):  # one that fell silent may run by now
                        found |= _spans(mn, fresh, run_changes(self._records, [mn], self._now - BACK))
            self._by_site[site] = found
        return self._by_site[site]


def _spans(
    mn: str, told: Mapping[str, RunState], changes: Iterable[Change]
) -> dict[tuple[str, str], list[tuple[datetime, str]]]:
    """From when each value held, oldest first; what held before the first change is what that change names."""
    began = datetime.min.replace(tzinfo=next(iter(told.values())).at.tzinfo) if told else None
    found: dict[tuple[str, str], list[tuple[datetime, str]]] = {}
    for change in sorted(changes, key=lambda one: (one.at, one.id)):
        if began is not None and change.code in told:
            spans = found.setdefault((mn, change.code), [(began, change.before)] if change.before else [])
            spans.append((change.at, change.after))
    for code, state in told.items():
        if began is not None:
            found.setdefault((mn, code), [(began, state.value)])
    return found


def _at(spans: list[tuple[datetime, str]], at: datetime) -> str:
    return next((value for since, value in reversed(spans) if since <= at), "")


def _last(found: Iterable[LineState], now: datetime) -> list[LineState]:
    """The newest known state of each line, where it is of now."""
    newest: dict[tuple[str, str], LineState] = {}
    for one in found:
        newest[one.site, one.line] = one
    return [one for one in newest.values() if one.work != "unknown" and now - one.end <= CURRENT]

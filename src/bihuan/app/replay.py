"""`bihuan replay`: what the heavy-pollution plans and the rules of the loop say of hours that are stored.

Hindsight only: nobody issued any of it, so every line carries 按实况反演,非实际发布, and nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.alerts import (
    DayGrade,
    Episode,
    Scheme,
    Speaks,
    episodes,
    grade_history,
    scheme_named,
    scheme_on,
)
from bihuan.app.indexing import PUBLISHED, city_hours_of
from bihuan.app.opened import opened
from bihuan.app.replay_lines import IndexOf, Kind, Line
from bihuan.app.rerun import REGION, networks_of, rerun
from bihuan.app.settings import read_settings
from bihuan.app.town import Town
from bihuan.assessment import hourly_aqi
from bihuan.core import (
    DAY,
    Event,
    InputError,
    NotCovered,
    Period,
    Ref,
    iso,
    local_date,
    local_day,
    text,
)
from bihuan.register import District
from bihuan.standards import editions
from bihuan.store import Store

PLANS = "heavy pollution warning"
WHAT_IF = ("zhengzhou-2023",)
"""Plans under which every episode is graded besides the one in force, labelled as a what-if."""

BEFORE, AFTER = timedelta(days=30), timedelta(days=10)
"""Hours shown to the ladder around the days asked for: an episode may have begun before them, or end after."""

LOOK_BACK = timedelta(days=3)
"""Hours shown to the rules before the first one judged."""


def replay_stored(
    home: Path,
    start: datetime | None = None,
    end: datetime | None = None,
    site: str | None = None,
    *,
    what_if: Sequence[str] = WHAT_IF,
    index: IndexOf = "published",
    rules: bool = True,
    allow: frozenset[str] | None = None,
) -> Iterator[Line]:
    """Grade the episodes of the stored cities and run the loop's rules over the stored hours.

    Parameters
    ----------
    home : Path
        ``BIHUAN_HOME``; nothing in it changes.
    start, end : datetime or None
        UTC, end exclusive; left out, from the first or up to the last stored hour.
    site : str or None
        ``city:...``, ``station:...``; every one that is stored by default.
    what_if : sequence of str
        Plans by name, whatever the day, besides the one in force.
    index : {"published", "own"}
        Hourly AQI to grade: what the city's feed published, ours where it published none; or ours throughout. The
        city files of 2018-2019 round half up, the standard rounds up, and one point can decide a 24-hour mean.
    rules : bool
        False grades only, which takes a second.
    allow : frozenset of str or None
        Plans switched on although their text is unconfirmed; None switches on all of them, and every line says 待核.

    Yields
    ------
    Line
        Site by site the episodes and their days, first under the plan in force and then under each what-if; after
        them the events of the rules, by time.

    Raises
    ------
    NotCovered
        If there is no store, nothing of the site, or no hour in the period.
    InputError
        If the period is empty.
    StoreLocked
        If a server owns the store.
    """
    settings = read_settings(home)
    allow = frozenset(edition.id for edition in editions(PLANS)) if allow is None else allow
    with opened(home) as store:
        work = _Replay(store, settings.zone, allow, what_if, index)
        period = work.period(start, end, site)
        yield from work.grades(period, site)
        if rules:
            yield from work.events(period, site)


class _Replay:
    """One run over one store."""

    def __init__(
        self, store: Store, zone: ZoneInfo, allow: frozenset[str], what_if: Sequence[str], index: IndexOf
    ) -> None:
        self._store = store
        self._zone = zone
        self._allow = allow
        self._what_if = what_if
        self._index = index
        self._register = store.records.register()
        self._town = Town(self._register, date.max)

    def period(self, start: datetime | None, end: datetime | None, site: str | None) -> Period:
        """Return what to look at, within what is stored."""
        where, values = ("WHERE site = ?", [site]) if site else ("", [])
        found = self._store.series.query(f'SELECT min(start) AS a, max("end") AS b FROM hours {where}', values)
        first, last = found.row(0)
        own = site is not None and site == str(self._town.ref)
        if first is None and own:
            first, last = self._store.series.query('SELECT min(start) AS a, max("end") AS b FROM hours').row(0)
        if first is None:
            known = self._store.series.query("SELECT DISTINCT site FROM hours ORDER BY site LIMIT 12")["site"]
            raise NotCovered(
                f"no hour of {site or 'any site'} is stored; stored are {', '.join(known) or 'none'}: "
                "import a file first, or name another site"
            )
        start, end = start or first, end or last
        if end <= start:
            raise InputError(f"replay from {iso(start)} to {iso(end)} is empty: --to must follow --from")
        if end <= first or start >= last:
            raise NotCovered(
                f"no hour between {iso(start)} and {iso(end)} is stored; stored are {iso(first)} to {iso(last)}"
            )
        self._town = Town(self._register, local_date(start, self._zone))
        return Period(start, end)

    # -- the ladder ------------------------------------------------------------------------------------------------

    def grades(self, period: Period, site: str | None) -> Iterator[Line]:
        """Yield episodes and days of every city."""
        span = Period(period.start - BEFORE, period.end + AFTER)
        if site is not None and not site.startswith("city:"):
            return
        sites = [site] if site else [*self._cities(span), str(self._town.ref)]
        wide = city_hours_of(self._store.series, self._town, sites, span)
        table = hourly_aqi(wide, zone=self._zone).select("site", "start", "aqi")
        if self._index == "published":
            told = self._store.series.indices(table["site"].unique(), PUBLISHED, span)
            table = table.join(told.select("site", "start", told="aqi"), on=["site", "start"], how="left")
            table = table.with_columns(pl.coalesce("told", "aqi").alias("aqi"), pl.col("told").is_not_null())
        else:
            table = table.with_columns(pl.lit(False).alias("told"))
        for (name,), part in table.sort("site", "start").group_by(["site"], maintain_order=True):
            yield from self._city(str(name), part, period)

    def _city(self, site: str, table: pl.DataFrame, period: Period) -> Iterator[Line]:
        name, index = self._name(site), "published" if table["told"].any() else "own"
        in_force = self._in_force(site, period)
        if not in_force:
            yield Line("note", site, name, period, self._zone)
        for scheme, days in in_force:
            yield from (replace(line, index=index) for line in self._graded(site, table, scheme, days, False))
        for plan in self._what_if:
            scheme = scheme_named(plan, allow_unconfirmed=True)
            if [one.id for one, _ in in_force] != [scheme.id]:
                yield from (replace(line, index=index) for line in self._graded(site, table, scheme, period, True))

    def _in_force(self, site: str, period: Period) -> list[tuple[Scheme, Period]]:
        """The plans in force, each with its days."""
        found: list[tuple[Scheme, Period]] = []
        day = local_date(period.start, self._zone)
        while (natural := local_day(day, self._zone)).start < period.end:
            inside = Period(max(natural.start, period.start), min(natural.end, period.end))
            try:
                scheme = scheme_on(day, self._place_code(site, day), self._allow)
            except NotCovered:
                scheme = None
            if scheme is not None and found and found[-1][0] == scheme and found[-1][1].end == inside.start:
                found[-1] = (scheme, Period(found[-1][1].start, inside.end))
            elif scheme is not None:
                found.append((scheme, inside))
            day += DAY
        return found

    def _graded(self, site: str, table: pl.DataFrame, scheme: Scheme, period: Period, what_if: bool) -> Iterator[Line]:
        found = [one for one in episodes(table, scheme, zone=self._zone) if one.period.overlaps(period)]
        days = grade_history(table, scheme, zone=self._zone)
        for episode in found:
            yield self._line("episode", site, scheme, episode.period, episode.grade, what_if, episode.speaks)
            for day in days:
                natural = local_day(day.day, self._zone)
                if day.grade and natural.overlaps(period) and _mostly(natural, found) == episode:
                    yield self._day(site, scheme, day, natural, episode, what_if)

    def _day(self, site: str, scheme: Scheme, day: DayGrade, natural: Period, episode: Episode, what_if: bool) -> Line:
        inside = tuple(
            Speaks(
                Period(max(one.period.start, natural.start), min(one.period.end, natural.end)), one.above, one.highest
            )
            for one in episode.speaks
            if one.period.overlaps(natural)
        )
        return self._line("day", site, scheme, natural, day.grade, what_if, inside, day.mean)

    def _line(
        self,
        kind: Kind,
        site: str,
        scheme: Scheme,
        period: Period,
        grade: str,
        what_if: bool,
        speaks: tuple[Speaks, ...],
        value: float | None = None,
    ) -> Line:
        return Line(
            kind=kind,
            site=site,
            name=self._name(site),
            period=period,
            zone=self._zone,
            grade=grade,
            scheme=scheme.id,
            number=scheme.number,
            status=scheme.status,
            what_if=what_if,
            value=max((one.highest for one in speaks), default=None) if kind == "episode" else value,
            speaks=speaks,
        )

    # -- the rules -------------------------------------------------------------------------------------------------

    def events(self, period: Period, site: str | None) -> Iterator[Line]:
        """Yield the events of the rules, by onset."""
        span = Period(period.start - LOOK_BACK, period.end)
        found: list[Event] = []
        for network in networks_of(self._sites(span), self._town):
            hours = self._store.series.hours(network.names, period=span).drop("revision")
            days = self._store.series.days(network.names, period=span).drop("revision")
            found += rerun(network, hours, days, period, self._town, zone=self._zone, allow=self._allow)
        for event in sorted(found, key=lambda one: (one.period.start, one.rule, str(one.subject), one.id)):
            subject = str(event.subject)
            if event.period.end > period.start and site in (None, subject):
                yield Line(
                    kind="event",
                    site=subject,
                    name=self._name(subject),
                    period=event.period,
                    zone=self._zone,
                    grade=event.grade,
                    scheme=event.rule,
                    value=event.value,
                    event=event,
                )

    # -- names -----------------------------------------------------------------------------------------------------

    def _sites(self, span: Period) -> list[str]:
        rows = self._store.series.query(
            "SELECT DISTINCT site FROM hours WHERE start >= ? AND start < ? ORDER BY site", [span.start, span.end]
        )
        return rows["site"].to_list()

    def _cities(self, span: Period) -> list[str]:
        return [site for site in self._sites(span) if site.startswith("city:")]

    def _name(self, site: str) -> str:
        if site == str(REGION):
            return text("cli.replay_region")
        ref = Ref.parse(site)
        known = self._register.resolve(ref, self._town.on)
        return known.name if known else ref.id

    def _place_code(self, site: str, on: date) -> str:
        """Administrative code of a city: its own id, or that of the district in the register that bears its name."""
        ident = site.partition(":")[2]
        if ident.isdigit():
            return ident
        found = [area.id for area in self._register.all(District, on) if area.name.startswith(ident)]
        return min(found, key=len, default="")


def _mostly(day: Period, found: Iterable[Episode]) -> Episode | None:
    """The episode that holds most of a day; a day may touch two."""

    def shared(episode: Episode) -> timedelta:
        return min(day.end, episode.period.end) - max(day.start, episode.period.start)

    return max((one for one in found if one.period.overlaps(day)), key=shared, default=None)

"""What a bulletin is made from: tables and objects given to the room; it asks nobody for more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.alerts import RuleRow, Warning
from bihuan.cases import Calendar, Case
from bihuan.core import (
    CHINA,
    NATIONAL_SIX,
    Event,
    Language,
    NotCovered,
    Period,
    Suspects,
    Verdict,
    local_day,
    pollutant,
    text,
)
from bihuan.register import Register


def word(key: str, language: Language, **values: object) -> str:
    """Return the words of ``report.<key>``."""
    return text(f"report.{key}", language, **values)


def item_name(code: str, language: Language) -> str:
    """Return what a pollutant is called, the six of the air by their symbol."""
    if code in NATIONAL_SIX:
        return word(f"item_{code}", language)
    try:
        found = pollutant(code)
    except NotCovered:
        return code
    return found.zh if language == "zh" else found.en


def amount(value: float | None, places: int) -> str:
    """Return a number as it is printed, a dash where there is none."""
    return "—" if value is None else f"{value:.{places}f}"


def signed_percent(value: float | None) -> str:
    """Return a change with its sign."""
    return "—" if value is None else f"{value:+.1f}%"


CLAUSE_WORDS = ("notes", "table", "annex", "transitional", "factor", "emission")
"""Words of the clauses in the tables of law, which are kept in English."""


def law_words(number: str, clause: str, status: str, language: Language) -> str:
    """Return a law with its clause, and 待核 where it is not confirmed."""
    for name in CLAUSE_WORDS:
        clause = clause.replace(word(f"clause_from_{name}", language), word(f"clause_to_{name}", language))
    doubt = "" if status == "confirmed" else word("to_check", language)
    return word("law", language, number=number, clause=clause) + doubt


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything known of one day.

    Attributes
    ----------
    day, zone, now :
        ``now`` tells which cases are overdue.
    site : str
        The city as in the tables: ``city:410100``.
    city : str
        Its name.
    days : DataFrame
        `assessment.daily_means` of the city, from the first of January of the year before to `day`.
    hours : DataFrame
        Wide hours of the city on `day`, with ``level``.
    stations : DataFrame
        `daily_means` of its stations on `day`.
    counted : tuple of str
        Those of them that are ranked: national, provincial and city stations; the others stand on the map.
    districts : DataFrame
        The same for the means of its districts.
    cities : DataFrame
        `daily_means` of every stored city, from the first of the month to `day`.
    weather, dust : DataFrame
        Hours of record of weather and dust stations on `day`.
    names : mapping
        Of every site, district, unit and person by text ref or id.
    targets : mapping
        Mean of the year to reach by pollutant. [ug/m3, CO mg/m3]
    events : tuple of Event
        That lay in the day, or are open now.
    suspects : tuple of Suspects
    rules : mapping of str to RuleRow
    water, outlets : tuple of Verdict
        Of the day.
    silent : tuple of Event
        Stations, sections and outlets that were offline.
    expected, received, usable : int or None
        Hours that outlets should send, sent, and were usable; None where no logger is registered.
    cases : tuple of Case
    warnings : tuple of Warning
        Signed and in force.
    """

    day: date
    zone: ZoneInfo = CHINA
    now: datetime
    site: str
    city: str
    register: Register
    days: pl.DataFrame
    hours: pl.DataFrame
    stations: pl.DataFrame
    districts: pl.DataFrame
    cities: pl.DataFrame
    weather: pl.DataFrame
    dust: pl.DataFrame
    names: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[str, float] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    suspects: tuple[Suspects, ...] = ()
    rules: Mapping[str, RuleRow] = field(default_factory=dict)
    water: tuple[Verdict, ...] = ()
    outlets: tuple[Verdict, ...] = ()
    expected: int | None = None
    received: int | None = None
    usable: int | None = None
    cases: tuple[Case, ...] = ()
    calendar: Calendar = field(default_factory=Calendar)
    warnings: tuple[Warning, ...] = ()
    as_of: datetime | None = None
    counted: tuple[str, ...] = ()

    @property
    def period(self) -> Period:
        """The day, UTC."""
        return local_day(self.day, self.zone)

    @property
    def silent(self) -> tuple[Event, ...]:
        """What was offline."""
        return tuple(event for event in self.events if event.kind == "silence")

    def name(self, ref: object) -> str:
        """Return what a thing is called, its id where nobody named it."""
        full = str(ref)
        return self.names.get(full) or self.names.get(full.partition(":")[2]) or full.partition(":")[2] or full

    def clock(self, instant: datetime) -> str:
        """Return local month, day, hour and minute."""
        return instant.astimezone(self.zone).strftime("%m-%d %H:%M")

    def hour_span(self, start: datetime) -> str:
        """Return a local hour as it is printed: 08:00-09:00."""
        local = start.astimezone(self.zone)
        return f"{local:%H:%M}-{local + timedelta(hours=1):%H:%M}"

    def on_day(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows that begin on the day."""
        return frame.filter(pl.col("start").is_between(self.period.start, self.period.end, closed="left"))

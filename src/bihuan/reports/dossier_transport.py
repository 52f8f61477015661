"""Local or brought in, in words: the share of the air that came from upwind, and the order in which stations rose."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from bihuan.core import Language, printed_unit, text
from bihuan.reports.dossier_material import TransportRow, say
from bihuan.reports.model import Table

NAMES = ("n", "ne", "e", "se", "s", "sw", "w", "nw")
PRINTED = 10
"""Stations in the table of arrivals."""


def transport_words(row: TransportRow, unit: str, zone: ZoneInfo, language: Language) -> tuple[str, ...]:
    """Return what may be said of share and arrival, each with its interval, or why it cannot be told.

    Parameters
    ----------
    row : TransportRow
    unit : str
        Of the pollutant, as the tables have it.
    zone : ZoneInfo
        Local times are printed.
    language : Language
    """
    return (_share(row, unit, zone, language), *_arrival(row, language))


def arrival_table(row: TransportRow, zone: ZoneInfo, language: Language) -> Table | None:
    """Return the stations in the order in which they rose; None where no order could be trusted."""
    if row.arrival is None or row.arrival.cannot_tell or row.first is None:
        return None
    risen = sorted((hour, name) for hour, name in zip(row.arrival.hours, row.stations, strict=True) if hour is not None)
    start = row.first.astimezone(zone)
    cells = tuple((name, f"{start + timedelta(hours=hour):%m-%d %H:%M}") for hour, name in risen[:PRINTED])
    head = (say("col_station", language), say("col_when", language))
    note = say("note_arrival", language, shown=len(cells), of=len(risen))
    return Table(title=say("table_arrival", language), head=head, rows=cells, note=note)


def _share(row: TransportRow, unit: str, zone: ZoneInfo, language: Language) -> str:
    found = row.share
    start, end = row.period.start.astimezone(zone), row.period.end.astimezone(zone)
    told = {"period": f"{start:%m-%d %H:%M}–{end:%m-%d %H:%M}", "hours": found.hours, "used": found.used}
    if found.regional is None or found.low is None or found.high is None or found.local_rise is None:
        return say(f"share_{found.cannot_tell}", language, **told)
    shares = {"regional": found.regional, "low": found.low, "high": found.high}
    return say(
        "share_said", language, **told, **{name: f"{100 * value:.0f}" for name, value in shares.items()},
        rise=f"{found.local_rise:.1f}", unit=printed_unit(unit), km=f"{row.beyond / 1000:.3g}",
    )  # fmt: skip


def _arrival(row: TransportRow, language: Language) -> list[str]:
    found = row.arrival
    if found is None:
        return []
    if found.cannot_tell or found.came_from is None or found.low is None or found.high is None or found.speed is None:
        risen = sum(hour is not None for hour in found.hours)
        return [say(f"arrival_{found.cannot_tell or 'no_order'}", language, count=risen)]
    direction = text(f"tracing.{NAMES[round(found.came_from / 45) % 8]}", language)
    degrees = {"came_from": found.came_from, "low": found.low, "high": found.high}
    lines = [
        say("arrival_said", language, direction=direction, speed=f"{found.speed:.1f}", order=f"{found.order or 0:.2f}",
            chance=f"{found.chance or 0:.3f}", **{name: f"{value:.0f}" for name, value in degrees.items()})
    ]  # fmt: skip
    if found.along_wind is not None and found.off_wind is not None:
        lines.append(say("arrival_wind", language, along=f"{found.along_wind:.2f}", off=f"{found.off_wind:.0f}"))
    return lines

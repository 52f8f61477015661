"""Homes with imported data, and small files of feeds made by hand."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bihuan.app.clock import CityClock
from bihuan.app.importing import import_files
from bihuan.app.receipts import Report

NOW = datetime(2026, 3, 10, 1, tzinfo=UTC)
HEADER = "time,city,AQI,PM2.5,PM10,SO2,NO2,O3,CO"


def take(home: Path, files: Sequence[Path], layout: str | None = None) -> list[Report]:
    """Import at a fixed instant."""
    return import_files(home, files, layout, clock=CityClock(NOW))


def city_line(hour: int, city: str = "郑州", pm25: object = 80, day: str = "2019-01-10") -> str:
    """One row of the national feed of city hours, stamped by the end of the hour."""
    return f"{day} {hour:02d}:00:00,{city},100,{pm25},120,10,40,50,1.2"


def city_file(path: Path, lines: Iterable[str] | None = None, encoding: str = "utf-8") -> Path:
    """Write a day of one city, or the lines given."""
    rows = [city_line(hour) for hour in range(1, 24)] if lines is None else list(lines)
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding)
    return path

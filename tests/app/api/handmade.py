"""A city of a few sites whose every hour is written down here, so that what the pages say can be checked by hand."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from bihuan.app.api import Office
from bihuan.app.clock import CityClock
from bihuan.app.loop import WATERMARK, Loop
from bihuan.app.notify import Notifications, OutboxNotifier
from bihuan.app.settings import Settings
from bihuan.core import CHINA, HOUR, ROLLUP_SCHEMA, Place, iso, to_json
from bihuan.register import (
    Cell,
    Device,
    District,
    Enterprise,
    Fact,
    Outlet,
    PermitLimit,
    Person,
    Section,
    Station,
    Unit,
    WorkSite,
)
from bihuan.store import open_store

with warnings.catch_warnings():  # its library has a newer name that is not installed
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

__all__ = ["NOW", "PASSWORD", "TestClient", "hour_rows", "login", "office_of", "peak_hour"]

NOW = datetime(2026, 11, 3, 0, 0, tzinfo=UTC)
"""08:00 of the city, the third of November."""

FIRST = datetime(2026, 10, 31, 16, 0, tzinfo=UTC)
"""Midnight of the first of November in the city."""

PASSWORD = "hand-made-2026"
SQUARE = (((102.0, 39.7), (102.2, 39.7), (102.2, 39.9), (102.0, 39.9), (102.0, 39.7)),)
USUAL = {"pm25": 30.0, "pm10": 60.0, "so2": 8.0, "no2": 25.0, "co": 0.5, "o3": 80.0}
STATIONS = ("N1", "N2", "S1")
PEAK = 180.0
peak_hour = datetime(2026, 11, 2, 19, 0, tzinfo=UTC)
"""03:00 of the night, when N2 has `PEAK` of PM2.5."""

ROLES = {
    "duty_officer": ("duty_officer", "desk", ""),
    "dispatcher": ("dispatcher", "desk", "D1"),
    "enterprise_manager": ("enterprise_manager", "E1", ""),
    "maintainer": ("maintainer", "M1", ""),
    "data_engineer": ("data_engineer", "desk", ""),
}


def facts() -> list[Fact]:
    """The register."""
    near = [Place(102.05 + 0.05 * place, 39.8) for place in range(3)]
    found: list[Fact] = [
        Cell(id="410000", name="手工市", level=1, district="", centre=near[0], boundary=SQUARE),
        Cell(id="410001001", name="手工街道", level=3, district="D1", centre=near[0], boundary=SQUARE),
        District(id="D1", name="一区", name_en="First", centre=near[0], boundary=SQUARE),
        District(id="D2", name="二区", centre=near[1], boundary=SQUARE),
        Station(id="N1", name="国控一", kind="national", place=near[0], district="D1"),
        Station(id="N2", name="国控二", kind="national", place=near[1], district="D2"),
        Station(id="S1", name="=市控一", kind="city", place=near[2], district="D1"),
        Station(id="Y1", name="扬尘一", kind="dust", place=near[2], district="D1"),
        Section(id="X1", name="断面一", place=near[0], district="D2", river="手工河", target_class="III"),
        Enterprise(id="E1", name="企业一", place=near[0], district="D1"),
        WorkSite(id="W1", name="工地一", place=near[2], district="D2"),
        Unit(id="M1", name="运维一", kind="maintainer"),
    ]
    for number, district in (("1", "D1"), ("2", "D2")):
        limit = PermitLimit(pollutant="so2", limit=35.0, averaging="hour", basis="permit")
        outlet = {"enterprise": f"E{number}", "place": near[1], "district": district, "medium": "air"}
        found.append(Outlet(id=f"O{number}", name=f"排口{number}", limits=(limit,), **outlet))  # type: ignore[arg-type]
    rhythm = {"hour": 3600}
    found += [
        Device(id="MN1", name="一号", site="station:N1", maintainer="M1", rhythm=rhythm),
        Device(id="MN2", name="二号", site="outlet:O1", maintainer="M2", rhythm=rhythm),
    ]
    found += [
        Person(id=login, name=login, roles=(role,), unit=unit, district=district)
        for login, (role, unit, district) in ROLES.items()
    ]
    return found


def value(station: str, code: str, start: datetime) -> float:
    """What a station measures in an hour: something else at each, and one peak."""
    if (station, code, start) == ("N2", "pm25", peak_hour):
        return PEAK
    hour = int((start - FIRST) / HOUR)
    return round(USUAL[code] * (1 + 0.1 * STATIONS.index(station)) * (1 + 0.01 * (hour % 24)), 2)


def hour_rows(sites: Mapping[str, Mapping[datetime, Mapping[str, float]]]) -> pl.DataFrame:
    """Rows of the table of hours from site, start and pollutant."""
    rows = [
        {
            "site": site,
            "pollutant": code,
            "stat": "avg",
            "basis": "device",
            "start": start,
            "end": start + HOUR,
            "value": figure,
            "count": 0,
            "mark": "",
            "quality": "good",
            "reason": "",
            "level": "realtime",
        }
        for site, hours in sites.items()
        for start, values in hours.items()
        for code, figure in values.items()
    ]
    instant = pl.Datetime("us", "UTC")
    schema = {"start": instant, "end": instant, "count": pl.Int32, "value": pl.Float64}
    return pl.DataFrame(rows, schema_overrides=schema).select(ROLLUP_SCHEMA.names)


def usual_hours(until: datetime = NOW - HOUR) -> pl.DataFrame:
    """Every hour of the three stations."""
    starts = [FIRST + step * HOUR for step in range(int((until - FIRST) / HOUR))]
    return hour_rows(
        {f"station:{one}": {start: {code: value(one, code, start) for code in USUAL} for start in starts}
         for one in STATIONS}
    )  # fmt: skip


@contextmanager
def office_of(home: Path, hours: pl.DataFrame | None = None) -> Iterator[Office]:
    """The office of the hand-made city at `NOW`, without hours unless they are given."""
    with open_store(home) as store:
        store.records.save_facts(facts())
        if hours is not None:
            store.series.append(hours=hours)
        store.records.set_state(WATERMARK, to_json(iso(NOW)))
        notifications = Notifications([OutboxNotifier(home / "outbox")], home / "notices.jsonl")
        loop = Loop(store, CHINA, notifications, NOW - timedelta(days=1))
        office = Office(store, lambda: loop, CityClock(NOW), Settings())
        for name in ROLES:
            office.accounts.add(name, name, PASSWORD, NOW)
        yield office


def login(client: TestClient, who: str) -> TestClient:
    """Come in as somebody else."""
    client.cookies.clear()
    assert client.post("/api/session", json={"login": who, "password": PASSWORD}).status_code == 200
    return client

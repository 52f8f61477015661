"""What a city of one night lacks, to look at pages: a quarter of a year, targets, a collocation, signs."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from bihuan.app.api import Office
from bihuan.app.collocating import Collocations
from bihuan.app.forwarding import Target, renew_plan, save_target
from bihuan.app.signing import KeptSign
from bihuan.core import HOUR, Period, Ref, floor_to, iso, to_json
from bihuan.observations import EvidenceRow, Sign, sign_id
from bihuan.register import Device, Outlet
from bihuan.store import Row
from tests.observations.tables import rollups

PERSON = "P-furnished"
DAYS = 90
STATION, MAST, SENSOR = "station:GK01", "station:QX01", "station:WZ01"


def furnish(office: Office) -> None:
    """Give a city that stands still what the pages show of a longer life; once, and nothing twice."""
    if office.store.records.count("target"):
        return
    _history(office)
    _forward(office)
    _collocation(office)
    _signs(office)


def _history(office: Office) -> None:
    """A quarter of a year before the city's own first hour: wind, and what a works to the east would bring."""
    first = office.store.series.query("SELECT min(start) AS first FROM hours")["first"][0]
    hours, rng = DAYS * 24, np.random.default_rng(1)
    start = first - DAYS * timedelta(days=1)
    speed = np.clip(2.4 + 1.2 * np.sin(np.arange(hours) / 24 * 2 * np.pi - 2) + rng.normal(0, 0.9, hours), 0.1, None)
    bearing = (np.cumsum(rng.normal(0, 14, hours)) + 70) % 360
    plume = np.exp(-(((bearing - 85 + 180) % 360 - 180) ** 2) / 700) * np.exp(-(((speed - 3.2) / 1.1) ** 2))
    back = 38 + 12 * np.sin(np.arange(hours) / 170) + rng.normal(0, 4, hours)
    pm25 = np.clip(back / (0.6 + 0.25 * speed) + 46 * plume, 2, None)
    so2, no2 = 7 + 22 * plume + rng.normal(0, 1, hours), 24 + 8 * plume + rng.normal(0, 4, hours)
    own = {"pm25": pm25, "pm10": 1.55 * pm25 + rng.normal(8, 4, hours), "so2": so2, "no2": no2}
    own["co"] = 0.5 + 0.006 * pm25
    rows = [_rows(STATION, code, values, start) for code, values in own.items()]
    rows += [_rows(MAST, "wind_speed", speed, start), _rows(MAST, "wind_from", bearing, start)]
    humid = 45 + 25 * np.sin(np.arange(hours) / 60)
    rows += [_rows(SENSOR, "pm25", pm25 * (1 + humid / 160) + rng.normal(0, 3, hours), start)]
    rows += [_rows(SENSOR, "humidity", humid, start)]
    office.store.series.append(hours=pl.concat(rows))


def _rows(site: str, code: str, values: np.ndarray, start: object) -> pl.DataFrame:
    kept = [max(0.0, round(float(value), 2)) for value in values]
    return rollups(kept, site, start=start, pollutant=code)  # type: ignore[arg-type]


def _forward(office: Office) -> None:
    since = office.now - timedelta(hours=30)
    frames = office.store.series.query("SELECT DISTINCT device FROM readings ORDER BY 1 LIMIT 4")["device"].to_list()
    targets = (
        Target(
            id="province",
            name="合成省平台",
            host="10.1.2.3",
            port=9212,
            since=since,
            password="654321",
            factors=("so2", "nox"),
        ),
        Target(id="ministry", name="", host="10.1.2.4", port=9212, since=since, mode="raw"),
        Target(id="old", name="合成旧平台", host="10.1.2.5", port=9212, since=since, paused=True),
    )
    for target in targets:
        save_target(office.store, target, PERSON, office.now, new=True)
    renew_plan(office.store, office.register, office.today, office.zone.key)
    now = office.now
    counts = {"answered": 18234, "resent": 41, "refused": 12, "refused_4": 9, "refused_3": 3, "answer_flag": 2}
    status = {
        "pid": 1,
        "at": iso(now),
        "targets": {
            "province": {
                "state": "connected", "trouble": "", "connected": iso(now - timedelta(hours=7)),
                "answered": iso(now - timedelta(seconds=20)), "oldest": iso(now - timedelta(seconds=90)),
                "waiting": 7, "unread": 0, "stuck": 1, "counts": counts | {"aside": 4},
            },
            "ministry": {
                "state": "away", "trouble": "ConnectionRefusedError", "connected": None, "answered": None,
                "oldest": iso(now - timedelta(hours=9)), "waiting": 3, "unread": 48_211_003, "stuck": 0, "counts": {},
            },
        },
    }  # fmt: skip
    folder = office.store.home.path / "forward"
    (folder / "province").mkdir(parents=True, exist_ok=True)
    (folder / "status.json").write_bytes(to_json(status))
    lines = [
        to_json({"at": iso(now - timedelta(minutes=40 * k)), "frame": f"g1-1/{64 * (k + 1)}", "mn": mn, "why": why})
        for k, (mn, why) in enumerate(zip(frames, ("refused_4", "refused_4", "refused_3", "encrypted"), strict=False))
    ]
    (folder / "province" / "aside.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))


def _collocation(office: Office) -> None:
    """Three weeks beside a national station, and still there."""
    device = next(one for one in office.register.all(Device, office.today) if one.site == SENSOR)
    begun = floor_to(office.now, HOUR) - timedelta(days=21)
    kept = Collocations(office.store)
    held = kept.plan(device.id, "pm25", Ref.parse(STATION), begun, PERSON, begun)
    kept.begin(held.id, PERSON, begun)


def _signs(office: Office) -> None:
    outlets = office.register.all(Outlet, office.town.on)
    end = floor_to(office.now, HOUR)
    period = Period(end - timedelta(hours=12), end)
    clipped = {"visits": 9.0, "ups": 0.0, "limit": 50.0, "share": 61.0}
    flat = tuple(EvidenceRow(period.start + HOUR * k, 49.0 - k % 2, 50.0) for k in range(12))
    for number, outlet in enumerate(outlets[:2]):
        site = Ref("outlet", outlet.id)
        ident = sign_id("clipped_limit", str(site), "furnished", period.start)
        chance = 0.0004 if number else 0.02
        sign = Sign(ident, "clipped_limit", site, "so2", period, 0.61, chance, 212, "limit", clipped, flat)
        row = Row(ident, to_json(KeptSign(sign, "open", office.now)), str(site), "open", start=period.start, end=end)
        office.store.records.save("sign", [row])

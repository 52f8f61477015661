"""A hamlet we know everything about: six air stations, one stack, one waste-water outlet, one section, two officers.

Its loggers' frames are written straight into the journal, so a test says minute by minute what the loop hears.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType

from bihuan.app.loop import TICK, Loop
from bihuan.app.notify import Notifications, OutboxNotifier
from bihuan.app.outcome import Outcome
from bihuan.core import CHINA, Place, Plane, to_json
from bihuan.devices.hj212 import checksum, uplink
from bihuan.register import (
    Cell,
    Device,
    District,
    Duty,
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
from bihuan.store import FrameStatus, Journal, encode_entry, open_store

MIDNIGHT = datetime(2026, 3, 10, 16, tzinfo=UTC)
"""Wednesday 11 March 2026, 00:00 local time: the edition of 2026 is in force."""

CENTRE = Place(113.65, 34.75)
PLANE = Plane(CENTRE)
MINUTES = 5
HOUR = timedelta(hours=1)
STATION_KM = ((0.0, 0.0), (3.0, 0.5), (-3.0, 0.5), (2.5, -3.0), (-2.5, -3.0), (0.5, 3.5))
"""East and north of the centre; the stack stands 1 km north of the first."""


def at_km(east: float, north: float) -> Place:
    lon, lat = PLANE.inverse([east * 1000.0], [north * 1000.0])
    return Place(float(lon[0]), float(lat[0]))


def square(km: float) -> tuple[tuple[tuple[float, float], ...], ...]:
    corners = [at_km(e, n) for e, n in ((-km, -km), (km, -km), (km, km), (-km, km))]
    return (tuple((place.lon, place.lat) for place in corners),)


STACK, POND, SECTION = "DA1", "DW1", "X1"
RHYTHM = {"minute": MINUTES * 60, "hour": 3600}


def facts() -> list[Fact]:
    stations: list[Fact] = [
        Station(id=f"s{n}", name=f"{n}号站", kind="city", place=at_km(*where), district="d")
        for n, where in enumerate(STATION_KM, 1)
    ]
    loggers: list[Fact] = [
        Device(id=f"MN{n}", name="", site=f"station:s{n}", rhythm=RHYTHM, maintainer="mender")
        for n in range(1, len(STATION_KM) + 1)
    ]
    return [
        District(id="d", name="一区", boundary=square(8)),
        Cell(id="410100", name="合成市", level=1, district="", centre=CENTRE, boundary=square(8)),
        Cell(id="v", name="一村", level=4, district="d", parent="410100", boundary=square(8)),
        Unit(id="ecology", name="生态环境局", kind="environment"),
        Unit(id="housing", name="住建局", kind="housing"),
        Unit(id="desk", name="值班室", kind="duty_desk"),
        Unit(id="mender", name="运维公司", kind="maintainer"),
        Duty(id="d1", name="", matter="construction", lead="housing", support=("ecology",)),
        Duty(id="d2", name="", matter="industry", lead="ecology"),
        Person(id="officer", name="网格员", roles=("grid_officer",), unit="street", cells=("v",), district="d"),
        Person(id="clerk", name="经办人", roles=("handler",), unit="ecology"),
        Person(id="caller", name="调度员", roles=("dispatcher",), district="d"),
        Person(id="checker", name="核查员", roles=("verifier",), district="d"),
        Person(id="duty", name="值班员", roles=("duty_officer",)),
        Person(id="leader", name="带班领导", roles=("duty_leader",)),
        Person(id="signatory", name="签发人", roles=("signatory",)),
        Person(id="fitter", name="运维员", roles=("maintainer",), unit="mender"),
        *stations,
        *loggers,
        Enterprise(id="plant", name="一号厂", place=at_km(0.0, 1.0), district="d"),
        Outlet(
            id=STACK,
            name="一号排口",
            enterprise="plant",
            place=at_km(0.0, 1.0),
            district="d",
            medium="air",
            o2_reference=6.0,
            limits=(PermitLimit("so2", 35.0, "hour", "permit 1"),),
            rates={"so2": 2.0, "pm10": 0.5},
            height=30.0,
            diameter=1.0,
            exit_velocity=8.0,
            exit_temperature=330.0,
        ),
        Outlet(
            id=POND,
            name="二号排口",
            enterprise="plant",
            place=at_km(0.5, 1.0),
            district="d",
            medium="water",
            river="合成河",
            limits=(PermitLimit("cod", 50.0, "day", "permit 2"),),
        ),
        WorkSite(id="y1", name="一号工地", place=at_km(-1.5, -1.0), district="d", area=10_000.0, rates={"pm10": 0.5}),
        Section(id=SECTION, name="一号断面", place=at_km(1.0, 0.0), district="d", river="合成河", target_class="III"),
        Device(id="MNA", name="", site=f"outlet:{STACK}", rhythm=RHYTHM, maintainer="mender"),
        Device(id="MNW", name="", site=f"outlet:{POND}", rhythm={"hour": 3600}, maintainer="mender"),
        Device(id="MNX", name="", site=f"section:{SECTION}", rhythm={"hour": 3600}, maintainer="mender"),
    ]


@dataclass(slots=True)
class Weather:
    """What every station of the hamlet says about the wind."""

    speed: float = 3.0
    wind_from: float = 0.0
    temperature: float = 12.0


@dataclass(frozen=True, slots=True)
class Sent:
    """One frame on its way, by which gateway, and what the gateway thought of it."""

    raw: bytes
    received: datetime
    gateway: str = "g1"
    status: FrameStatus = "known"


@dataclass
class Hamlet:
    """The hamlet with a loop; `hear` and `step` by hand, or `live` with a quiet background.

    Attributes
    ----------
    rise : mapping of station number to pollutant to value added
        What stations see above the background while `live` goes on.
    silent : set of MN
        Loggers that send nothing.
    """

    home: Path
    now: datetime = MIDNIGHT
    facts: list[Fact] = field(default_factory=facts)
    weather: Weather = field(default_factory=Weather)
    rise: dict[int, dict[str, float]] = field(default_factory=dict)
    so2_in_stack: float = 20.0
    silent: set[str] = field(default_factory=set)
    allow: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self._journals: dict[str, Journal] = {}
        self.began = self.now
        self.open()
        self.store.records.save_facts(self.facts)
        self.loop.renew_register()

    def open(self) -> None:
        """Start the core process."""
        self.store = open_store(self.home, threads=1)
        notifications = Notifications([OutboxNotifier(self.home / "outbox")], self.home / "notices.jsonl")
        self.loop = Loop(self.store, CHINA, notifications, self.began, self.allow)

    def reopen(self) -> None:
        """The core process ends and starts again."""
        self.store.close()
        self.open()

    def __enter__(self) -> Hamlet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        for journal in self._journals.values():
            journal.close()
        self.store.close()

    def device(self, mn: str) -> Device:
        return next(fact for fact in self.facts if isinstance(fact, Device) and fact.id == mn)

    def hear(self, frames: Iterable[Sent]) -> None:
        """Write frames into the journal, durable and in this order."""
        by_gateway: dict[str, list[bytes]] = {}
        for frame in frames:
            entry = encode_entry(frame.raw, frame.received, "127.0.0.1", frame.status)
            by_gateway.setdefault(frame.gateway, []).append(entry)
        for gateway, entries in by_gateway.items():
            if gateway not in self._journals:
                self._journals[gateway] = Journal(self.home / "journal", gateway)
            self._journals[gateway].append(entries)

    def frame(
        self, mn: str, interval: str, start: datetime, values: dict[str, float | None], *, stat: str = "avg"
    ) -> bytes:
        """Return one report of a logger."""
        device = self.device(mn)
        length = timedelta(seconds=device.rhythm[interval])
        frames = uplink(
            device,
            interval,  # type: ignore[arg-type]
            start,
            {code: {stat: value} for code, value in values.items()},  # type: ignore[dict-item]
            sent=start + length,
            kind="outlet" if device.site.startswith("outlet:") else "environment",
            system={"MNA": "31", "MNW": "32", "MNX": "21"}.get(mn, "22"),
        )
        assert len(frames) == 1
        return frames[0]

    def report(
        self, mn: str, interval: str, start: datetime, values: dict[str, float | None], received: datetime | None = None
    ) -> None:
        """One report goes into the journal; it comes at once unless `received` says otherwise."""
        end = start + timedelta(seconds=self.device(mn).rhythm[interval])
        self.hear([Sent(self.frame(mn, interval, start, values), received or end)])

    def mark_again(self, frame: bytes, received: datetime, flag: bytes = b"D") -> None:
        """The same report goes into the journal with another data flag."""
        body = frame[6:-6].replace(b"-Flag=N", b"-Flag=" + flag)
        self.hear([Sent(b"##%04d%b%04X\r\n" % (len(body), body, checksum(body)), received)])

    def step(self, now: datetime | None = None) -> Outcome:
        """Step at the next tick, or at an instant."""
        self.now = now or self.now + TICK
        return self.loop.step(self.now)

    def quiet(self, start: datetime) -> list[Sent]:
        """What everybody reports of the five minutes from `start`, and of the hour when it is over."""
        end = start + TICK
        found = []
        for number in range(1, len(STATION_KM) + 1):
            values = self._air(number, start)
            found.append((f"MN{number}", "minute", start, values))
            if end.minute == 0:
                found.append((f"MN{number}", "hour", end - HOUR, self._air(number, end - HOUR)))
        found.append(("MNA", "minute", start, {"so2": self.so2_in_stack, "o2": 6.0}))
        if end.minute == 0:
            found.append(("MNA", "hour", end - HOUR, {"so2": self.so2_in_stack + _noise("stack", end), "o2": 6.0}))
            found.append(("MNW", "hour", end - HOUR, {"cod": 30.0 + _noise("pond", end)}))
            river = {"codmn": 5.0, "nh3n": 0.6, "tp": 0.15, "do": 6.5}
            found.append(("MNX", "hour", end - HOUR, {k: v + 0.01 * _noise(k, end) for k, v in river.items()}))
        return [
            Sent(self.frame(mn, interval, begin, dict(values)), end)
            for mn, interval, begin, values in found
            if mn not in self.silent
        ]

    def _air(self, number: int, start: datetime) -> dict[str, float | None]:
        extra = self.rise.get(number, {})
        base = {"so2": 10.0, "no2": 30.0, "pm10": 60.0, "pm25": 30.0, "co": 0.6, "o3": 60.0}
        values: dict[str, float | None] = {
            code: round(value * (1 + 0.05 * _noise(code, number, start)) + extra.get(code, 0.0), 3)
            for code, value in base.items()
        }
        weather = self.weather
        values["wind_speed"] = round(max(weather.speed + 0.1 * _noise("speed", number, start), 0.0), 2)
        values["wind_from"] = round((weather.wind_from + 2 * _noise("from", number, start)) % 360, 1)
        values["air_temperature"] = round(weather.temperature + 0.2 * _noise("t", number, start), 2)
        return values

    def live(self, until: datetime) -> Iterator[Outcome]:
        """Let everybody report and the loop step, tick by tick."""
        while self.now < until:
            self.hear(self.quiet(self.now))
            yield self.step()

    def pass_time(self, hours: float) -> list[Outcome]:
        return list(self.live(self.now + timedelta(hours=hours)))


def _noise(*what: object) -> float:
    """Repeatable, between -1 and 1."""
    return random.Random(repr(what)).uniform(-1.0, 1.0)


def told(outcomes: Iterable[Outcome]) -> bytes:
    """Everything the loop concluded, as bytes: equal bytes, equal conclusions."""
    return b"\n".join(
        to_json([one.now, one.verdicts, one.events, one.suspects, one.cases, one.effects]) for one in outcomes
    )

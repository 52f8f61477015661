"""A town of two districts with one officer, one department, one verifier each: enough for every step."""

from datetime import UTC, date, datetime, timedelta

from bihuan.cases import Action, Actor, Case, Photo, open_from_report
from bihuan.cases.intake import FieldReport
from bihuan.core import Period, Place, Ref
from bihuan.core.outcomes import Event, Suspect, Suspects
from bihuan.register import Cell, Device, District, Duty, Fact, Outlet, Person, Register, Station, Unit, WorkSite

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
"""Monday 2 March 2026, 12:00 in Zhengzhou."""

HOUR = timedelta(hours=1)
YARD = Place(113.651, 34.751)


def square(lon: float, lat: float, side: float) -> tuple[tuple[tuple[float, float], ...], ...]:
    return (((lon, lat), (lon + side, lat), (lon + side, lat + side), (lon, lat + side)),)


def facts() -> list[Fact]:
    return [
        District(id="east", name="东区", boundary=square(113.65, 34.75, 0.05)),
        District(id="west", name="西区", boundary=square(113.55, 34.75, 0.05)),
        Cell(id="e", name="东区", level=2, district="east", boundary=square(113.65, 34.75, 0.05)),
        Cell(id="e1", name="东一", level=4, district="east", parent="e", boundary=square(113.65, 34.75, 0.01)),
        Cell(id="w", name="西区", level=2, district="west", boundary=square(113.55, 34.75, 0.05)),
        Unit(id="housing", name="住建局", kind="housing"),
        Unit(id="housing_west", name="西区住建局", kind="housing", district="west"),
        Unit(id="ecology", name="生态环境局", kind="environment"),
        Unit(id="city_desk", name="值班室", kind="duty_desk"),
        Unit(id="mender", name="运维公司", kind="maintainer"),
        Duty(id="d1", name="", matter="construction", lead="housing", support=("ecology",)),
        Duty(id="d2", name="", matter="water", lead="ecology", valid_from=date(2020, 1, 1)),
        Person(id="officer", name="网格员", roles=("grid_officer",), unit="street", cells=("e1",), district="east"),
        Person(id="chief", name="网格长", roles=("grid_officer",), unit="street", cells=("e",), district="east"),
        Person(id="clerk", name="经办人", roles=("handler",), unit="housing", email="clerk@example.org"),
        Person(id="caller", name="调度员", roles=("dispatcher",), district="east"),
        Person(id="caller_west", name="调度员", roles=("dispatcher",), district="west"),
        Person(id="checker", name="核查员", roles=("verifier",), district="east"),
        Person(id="desk", name="值班员", roles=("duty_officer",)),
        Person(id="leader", name="带班领导", roles=("duty_leader",)),
        Person(id="fitter", name="运维员", roles=("maintainer",), unit="mender"),
        Person(id="manager", name="环保负责人", roles=("enterprise_manager",), unit="plant"),
        Station(id="s1", name="东一站", kind="city", place=Place(113.655, 34.755), district="east"),
        Device(id="MN1", name="", site="station:s1", maintainer="mender"),
        Outlet(id="o1", name="一号排口", enterprise="plant", place=YARD, district="east", medium="air"),
        WorkSite(id="y1", name="一号工地", place=YARD, district="east"),
    ]


def town() -> Register:
    return Register(facts())


ROLES = {
    "grid_officer": Actor("officer", ("grid_officer",), "street", "east"),
    "handler": Actor("clerk", ("handler",), "housing"),
    "dispatcher": Actor("caller", ("dispatcher",), "", "east"),
    "verifier": Actor("checker", ("verifier",), "", "east"),
    "duty_officer": Actor("desk", ("duty_officer",)),
    "duty_leader": Actor("leader", ("duty_leader",)),
    "maintainer": Actor("fitter", ("maintainer",), "mender"),
    "enterprise_manager": Actor("manager", ("enterprise_manager",), "plant"),
    "system": Actor("system", ("system",)),
}


def photo(words: str = "a", **changes: object) -> Photo:
    return Photo(**{"digest": f"sha256:{words}", "taken": NOON, "place": YARD, **changes})  # type: ignore[arg-type]


def act(kind: str, role: str, at: datetime = NOON, **fields: object) -> Action:
    """An action with whatever its step may ask for; `fields` override or, as None, take away."""
    given: dict[str, object] = {
        "reason": "because",
        "note": "seen",
        "result": "true",
        "unit": "housing",
        "hours": "24",
        "until": (at + 48 * HOUR).isoformat(),
        "satisfaction": "satisfied",
        "case": "another",
        "clock": "sign",
        "told": ("person:officer",),
        "notice": "n1",
        "effect": "effect:e1",
        "verdict": "effective",
        "suspect": "outlet:o1",
        "sources": ("event:x",),
        "cause": "condition",
        "finding": "condition",
        **fields,
    }
    if kind in {"dispatch", "reassign"} and "officer" not in fields:
        given["officer"] = "officer"
    if kind in {"dispatch", "reassign"} and "suspect" not in fields:
        del given["suspect"]  # only a choice of the desk names one
    kept = {name: value for name, value in given.items() if value is not None}
    photos = (photo(f"{kind}{at.isoformat()}", taken=at),)
    return Action(kind, ROLES[role], at, kept, photos, place=YARD)  # type: ignore[arg-type]


def report(matter: str = "construction", at: datetime = NOON, place: Place = YARD) -> FieldReport:
    return FieldReport(
        by=ROLES["grid_officer"], matter=matter, place=place, photos=(photo("door", taken=at),), created=at
    )


def fresh(matter: str = "construction", at: datetime = NOON) -> Case:
    return open_from_report(report(matter, at), town(), at).case


def event(**changes: object) -> Event:
    fields: dict[str, object] = {
        "id": "ev1",
        "rule": "pm10-rise",
        "kind": "pattern",
        "subject": Ref("station", "s1"),
        "place": Place(113.655, 34.755),
        "period": Period(NOON - HOUR, NOON),
        "pollutant": "pm10",
        "grade": "major",
        "value": 320.0,
        "threshold": 150.0,
        **changes,
    }
    return Event(**fields)  # type: ignore[arg-type]


def suspects(of: Event, *, first: float = 0.7, none: float = 0.2, regional: float = 0.1) -> Suspects:
    return Suspects(
        id=f"su-{of.id}",
        event=of.ref,
        pollutant=of.pollutant,
        period=of.period,
        ranked=(Suspect(Ref("worksite", "y1"), "一号工地", YARD, first),),
        none_of_listed=none,
        regional=regional,
    )


OUTLET_WAY = (
    ("ask_enterprise", "system"),
    ("declare", "enterprise_manager"),
    ("dispatch", "duty_officer"),
    ("sign", "grid_officer"),
    ("arrive", "grid_officer"),
    ("conclude", "grid_officer"),
    ("report", "grid_officer"),
    ("check", "verifier"),
    ("pass", "verifier"),
    ("archive", "system"),
)
"""An outlet's own alarm that a condition explains."""

MAIN_WAY = (
    ("dispatch", "system"),
    ("sign", "grid_officer"),
    ("arrive", "grid_officer"),
    ("handle", "grid_officer"),
    ("report", "grid_officer"),
    ("check", "verifier"),
    ("pass", "verifier"),
    ("archive", "system"),
)

"""What the overview says, as types: one read model, top to bottom as a duty officer reads at eight."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, Field


class Item(BaseModel):
    """One of the six items."""

    code: str
    name: str
    unit: str
    value: float | None
    iaqi: int | None


class Hour(BaseModel):
    """One hour of the trend."""

    start: datetime
    aqi: int | None
    label: str


class Neighbour(BaseModel):
    """One city of the region in the same hour."""

    ref: str
    name: str
    aqi: int | None
    label: str
    rank: int | None
    own: bool


class Air(BaseModel):
    """The city's air in the last judged hour."""

    start: datetime | None
    end: datetime | None
    aqi: int | None
    label: str
    primary: list[str]
    level: str
    standard: str
    status: str
    reason: str
    items: list[Item]
    trend: list[Hour]
    neighbours: list[Neighbour] = Field(description="empty where no other city is stored")


class Task(BaseModel):
    """One thing that waits for somebody."""

    ref: str
    kind: str = Field(description="limit pattern silence sign overdue draft in_force")
    grade: str
    words: str
    since: datetime
    due: datetime | None = None
    who: str
    link: str


class Todo(BaseModel):
    """What must be handled now."""

    counts: dict[str, int]
    events: list[Task]
    offline: list[Task]
    unsigned: list[Task]
    overdue: list[Task]
    warnings: list[Task]


class Peak(BaseModel):
    """Highest hour of one item in the night."""

    code: str
    name: str
    unit: str
    value: float | None
    iaqi: int | None
    site: str
    site_name: str
    start: datetime | None


class Night(BaseModel):
    """20:00 to 08:00."""

    start: datetime
    end: datetime
    through: datetime | None
    aqi: int | None
    aqi_start: datetime | None
    label: str
    peaks: list[Peak]
    words: str


class Standing(BaseModel):
    """One item against its target."""

    code: str
    name: str
    unit: str
    figure: str = Field(description="mean or percentile, as HJ 663 asks for the item")
    month: float | None
    year: float | None
    days: int
    target: float | None
    control: float | None = Field(description="what the days left of the year may average")
    outcome: str
    words: str


class SoFar(BaseModel):
    """Month and year so far."""

    through: date
    month_days: int
    month_good: int | None
    year_days: int
    year_good: int | None
    year_heavy: int | None
    items: list[Standing]


class Rank(BaseModel):
    """One row of a ranking of ours."""

    rank: int | None
    ref: str
    name: str
    value: float | None
    days: int
    link: str


class Ranks(BaseModel):
    """Ranks of the month so far; never official."""

    by: str = Field(description="index, or pm25 where the weights of the index are held back")
    unit: str
    first: date
    through: date
    reason: str
    districts: list[Rank]
    stations: list[Rank]


class SuspectRow(BaseModel):
    """One row of the odds."""

    source: str
    name: str
    probability: float
    distance: float | None
    wind_from: float | None
    kind: str = Field(description="source none regional")


class Traced(BaseModel):
    """The gravest open event that was traced."""

    event: str
    words: str
    since: datetime
    asked: datetime
    cannot_tell: str
    rows: list[SuspectRow]
    link: str


class Share(BaseModel):
    """A share with what it was made of."""

    metric: str
    name: str
    value: float | None
    formula: str


class CaseCounts(BaseModel):
    """Cases as they stand."""

    since: datetime
    new: int
    open: int
    overdue: int
    to_verify: int
    shares: list[Share]


class ItemOver(BaseModel):
    """An item beyond class III, and by how many times; oxygen and pH have no multiple."""

    item: str
    times: float | None


class SectionRow(BaseModel):
    """One river section against its target."""

    ref: str
    name: str
    river: str
    label: str
    target: str
    worse: bool | None
    day: date | None
    official: bool
    over: list[ItemOver]


class Outlooked(BaseModel):
    """What is ahead: no forecast yet, but where the ladder stands."""

    forecast: None = None
    plan: str
    plan_reason: str
    in_force: str
    proposed: str
    mean_24h: float | None
    hours_24h: int
    lower_since: datetime | None


class Sent(BaseModel):
    """What loggers of one kind of site owed and sent in a day."""

    kind: str
    due: int
    received: int
    valid: int
    efficiency: float | None


class Silent(BaseModel):
    """A site that says nothing."""

    ref: str
    name: str
    since: datetime
    link: str


class Transmission(BaseModel):
    """Transmission efficiency of the last day."""

    start: datetime
    end: datetime
    rows: list[Sent]
    silent: list[Silent]


class Overview(BaseModel):
    """值班总览."""

    city: str
    now: datetime
    as_of: datetime | None
    air: Air
    todo: Todo
    night: Night
    so_far: SoFar
    ranks: Ranks
    traced: Traced | None
    cases: CaseCounts
    water: list[SectionRow]
    outlook: Outlooked
    transmission: Transmission

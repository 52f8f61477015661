"""The network of stations: what it is blind to, and where new monitors would tell most. Made once, kept as bytes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from bihuan.app.access import Session, area_of
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheOffice, needs
from bihuan.app.api.kept import Kept
from bihuan.app.api.office import Office
from bihuan.app.netdesign import MOST, AskedNetwork, answer_network
from bihuan.core import to_json

router = APIRouter(prefix="/api", tags=["network"], responses=PROBLEMS)  # type: ignore[arg-type]

Reader = Annotated[Session, needs("network.read")]
Kind = Literal["micro", "township", "dust", "city"]


class SharesSeen(BaseModel):
    """Shares of hours of sources, 0 to 1."""

    found: float
    unlisted: float
    told_apart: float
    worth: float


class NetworkSource(BaseModel):
    """A source by ref and name."""

    ref: str
    name: str


class ProposedMonitor(BaseModel):
    """One new monitor; `gain` is what it adds to those before it."""

    number: int
    lon: float
    lat: float
    district: str
    gain: float
    after: SharesSeen
    sources: list[NetworkSource]


class Certificate(BaseModel):
    """What greedy may have missed: it has at least `certified` of the best possible gain, `guaranteed` in any case."""

    guaranteed: float
    certified: float
    worth: float
    bound: float
    exact: bool


class StandingMonitor(BaseModel):
    """A station that stands; fixed ones (国控 / 省控) are neither moved nor spared."""

    ref: str
    name: str
    kind: str
    lon: float
    lat: float
    fixed: bool


class SpareMonitor(StandingMonitor):
    """A station that could be spared, and what the network would lose."""

    loss: float


class SourceSeenLine(BaseModel):
    """A source, and the share of hours in which an incident of it would be found."""

    ref: str
    name: str
    kind: str
    lon: float
    lat: float
    reports: bool
    present: float
    proposed: float


class SeenInWind(BaseModel):
    """Hours of a kind of wind, and the found share; null where no hour was like it."""

    hours: float
    present: float | None
    proposed: float | None


class NoiseLine(BaseModel):
    """Scatter of an hourly value, and where it is from: told, measured or table."""

    pollutant: str
    noise: float
    basis: str


class CostLine(BaseModel):
    """Costs as the user told them; null where nobody did. CNY"""

    each: float | None
    yearly_each: float | None
    total: float | None
    yearly: float | None


class NetworkPage(BaseModel):
    """The design of a network."""

    as_of: datetime
    method: str
    monitors: int
    kind: str
    pollutants: list[str]
    noise: list[NoiseLine]
    hours: float
    hours_missing: float
    hours_enough: bool
    winds: str
    spacing: float
    places: int
    excluded: dict[str, int]
    present: SharesSeen
    proposals: list[ProposedMonitor]
    certificate: Certificate | None
    spare: list[SpareMonitor]
    stations: list[StandingMonitor]
    sources: list[SourceSeenLine]
    cells: list[list[float | None]] = Field(description="lon, lat, found share at present and with the proposals")
    by_sector: list[SeenInWind] = Field(description="16 directions the wind comes from, N first")
    by_air: dict[str, SeenInWind]
    cost: CostLine


ANSWERS = Kept(16)


@router.get("/network", responses={200: {"model": NetworkPage}}, response_class=Response)
def network_page(
    request: Request,
    office: TheOffice,
    session: Reader,
    monitors: Annotated[int, Query(ge=0, le=MOST, description="to be placed; 0 only looks at what stands")] = 0,
    kind: Kind = "micro",
) -> Response:
    """Give what the network is blind to and where new monitors would tell most; computed once a day and question."""
    if not area_of(session).whole:
        raise Refused(403, "not_your_area", "the design of the network concerns the whole city: your role sees a part")
    asked = AskedNetwork(monitors=monitors, kind=kind, model=office.settings.text("tracing_model"))
    key = (str(office.store.home.path), monitors, kind)
    packed = ANSWERS.get(key, (office.today, id(office.town.register)), lambda: _made(office, asked))
    return packed.answer(request)


def _made(office: Office, asked: AskedNetwork) -> bytes:
    told: dict[str, Any] = answer_network(office.store, office.town, asked, office.now).as_dict()
    return to_json({"as_of": office.now, **told})

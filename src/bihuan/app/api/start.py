"""The first start: what a home needs before the loop can work, and what of it is there already."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from bihuan.app.access import ADMINISTRATORS, Session
from bihuan.app.api.errors import PROBLEMS
from bihuan.app.api.guard import TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.town import Town
from bihuan.app.upkeep import heard_of
from bihuan.register import Cell, District, Person

router = APIRouter(prefix="/api", tags=["start"], responses=PROBLEMS)  # type: ignore[arg-type]

KEEPERS = ADMINISTRATORS | {"data_engineer"}
"""Roles of those who set a home up; people are there once somebody else is."""

DEMO = "bihuan demo --port 0"
"""A city of its own in a folder of its own: its clock is not the wall's, so it cannot live in a server's home."""

StepName = Literal["areas", "people", "sites", "devices", "heard", "rules"]


class StartStep(BaseModel):
    """One thing that a home needs."""

    name: StepName
    done: bool
    count: int = Field(description="districts; people; sites; loggers; loggers heard; rules that watch a site")
    more: int = Field(description="grid cells; 0; 0; 0; loggers to be claimed; alarms raised so far")


class Start(BaseModel):
    """How far the first start is."""

    empty: bool = Field(description="the register holds neither a city nor a site")
    done: int
    steps: list[StartStep]
    demo: str = Field(description="the command of the synthetic city")


@router.get("/start")
def start(office: TheOffice, session: Annotated[Session, needs("import.run")]) -> Start:
    """Tell what a home needs before the loop can work, and what of it is there already."""
    steps = steps_of(office)
    return Start(empty=is_empty(office.town), done=sum(step.done for step in steps), steps=steps, demo=DEMO)


def is_empty(town: Town) -> bool:
    """Say whether a register holds neither a city nor a site."""
    return town.cell is None and not real_sites(town)


def real_sites(town: Town) -> list[str]:
    """Return the kinds of every site but the city itself."""
    return [site.kind for site in town.sites if site.ref != town.ref]


def steps_of(office: Office) -> list[StartStep]:
    """Return the steps in the order in which they are best taken."""
    town = office.town
    register, on, kinds = town.register, town.on, real_sites(town)
    districts, cells = len(register.all(District, on)), len(register.all(Cell, on))
    people = sum(bool(set(person.roles) - KEEPERS) for person in register.all(Person, on))
    heard = heard_of(office.lines, town.devices, office.now)
    ever = _ever_heard(office)
    watching = [rule for rule in office.loop.rules.rules if not rule.scope.isdisjoint(kinds)]
    raised = office.store.records.count("event")
    return [
        _step("areas", bool(districts and cells), districts, cells),
        _step("people", bool(people), people),
        _step("sites", bool(kinds), len(kinds)),
        _step("devices", bool(town.devices), len(town.devices)),
        _step("heard", bool(ever), ever, heard.strangers),
        _step("rules", bool(watching), len(watching), raised),
    ]


def _ever_heard(office: Office) -> int:
    """How many loggers of the register have sent a frame; `heard_of` has just read what came."""
    with office.lines.mutex:
        return sum(office.lines.line(mn) is not None for mn in office.town.devices)


def _step(name: StepName, done: bool, count: int, more: int = 0) -> StartStep:
    return StartStep(name=name, done=done, count=count, more=more)

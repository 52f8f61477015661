"""Who answers in the synthetic city: units, people by role and number, and the duty table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bihuan.app.city.draws import table
from bihuan.cases import matters
from bihuan.register import Cell, District, Duty, Enterprise, Fact, Person, Unit

OFFICE_ROLES = ("signatory", "data_engineer", "system_admin", "security_admin", "audit_admin")
"""One person each, who signs warnings or keeps the system; the three administrators are three people."""


def draw_people(facts: Iterable[Fact]) -> list[Fact]:
    """Units, duties and people for the districts and cells that stand already; nothing here is left to chance."""
    names = table("names")
    facts = list(facts)
    towns = [fact for fact in facts if isinstance(fact, Cell) and fact.level == 3]
    out: list[Fact] = [_unit(code, label, code) for code, label in names["unit"].items()]
    out += [_unit(code, label, "maintainer") for code, label in names["maintainer"].items()]
    out += [_street(town) for town in towns]
    out += _duties()
    out += [_person("duty_leader", 1, "duty_desk"), *(_person("duty_officer", n, "duty_desk") for n in (1, 2, 3))]
    out += [_person(role, 1, "environment") for role in OFFICE_ROLES]
    out += [_person("handler", 1, code) for code in names["unit"]]
    out += [_person("maintainer", n, code) for code in names["maintainer"] for n in (1, 2)]
    for district in facts:
        if isinstance(district, District):
            out += _district_people(district, facts)
    return out


def draw_managers(enterprises: Iterable[Fact]) -> list[Fact]:
    """The environmental manager of every enterprise; the enterprise itself is the manager's unit."""
    title = table("names")["person"]["enterprise_manager"]
    return [
        replace(_person("enterprise_manager", 1, fact.id), name=f"{fact.name}{title}001")
        for fact in enterprises
        if isinstance(fact, Enterprise)
    ]


def _unit(code: str, label: str, kind: str) -> Unit:
    names = table("names")
    return Unit(id=code, name=names["mark"] + label, kind=kind, source=names["source"])


def _street(town: Cell) -> Unit:
    names = table("names")
    name = town.name + names["street"]["suffix"]
    return Unit(id=f"street-{town.id}", name=name, kind="street", district=town.district, source=names["source"])


def _duties() -> list[Duty]:
    """One row for every matter that a department leads; what a street leads goes to the officer's own street."""
    names = table("names")
    departments = set(names["unit"])
    return [
        Duty(
            id=f"duty-{code}",
            name=code,
            matter=code,
            lead=matter.lead,
            support=tuple(unit for unit in matter.support if unit in departments),
            basis=names["source"],
            source=names["source"],
        )
        for code, matter in matters().items()
        if matter.lead in departments
    ]


def _district_people(district: District, facts: Iterable[Fact]) -> list[Fact]:
    own = [fact for fact in facts if isinstance(fact, Cell) and fact.district == district.id]
    whole = tuple(cell.id for cell in own if cell.level == 2)
    people: list[Fact] = [_person("dispatcher", 1, "environment", whole, district)]
    people += [_person("verifier", n, "environment", whole, district) for n in (1, 2)]
    for village in (cell for cell in own if cell.level == 4):
        street, number = f"street-{village.parent}", int(village.id[6:])
        people.append(_person("grid_officer", number, street, (village.id,), district))
    return people


def _person(role: str, number: int, unit: str, cells: tuple[str, ...] = (), district: District | None = None) -> Person:
    names = table("names")
    where = district.id if district else unit
    shown = (district.name if district else names["mark"]) + names["person"][role]
    return Person(
        id=f"{role}-{where}-{number:06d}",
        name=f"{shown}{number:03d}",
        roles=(role,),
        unit=unit,
        cells=cells,
        district=district.id if district else "",
        source=names["source"],
    )

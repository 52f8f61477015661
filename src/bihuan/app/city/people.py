"""Who answers in the synthetic city: units, people by role and number, and the duty table."""

from __future__ import annotations

from collections.abc import Iterable

from bihuan.app.city.draws import table
from bihuan.register import Cell, District, Duty, Fact, Person, Unit

DUTIES = {
    "industry": ("ecology", ("street",)),
    "construction": ("housing", ("urban", "street")),
    "road": ("urban", ("transport",)),
    "muck_truck": ("urban", ("police", "transport")),
    "bare_soil": ("resources", ("street",)),
    "burning": ("urban", ("agriculture", "street")),
    "air": ("ecology", ("street",)),
    "water": ("ecology", ("water",)),
    "regional": ("command", ("ecology",)),
    "device": ("maintainer_outlet", ("maintainer_air", "maintainer_water")),
}
"""Matter -> leading unit, supporting units."""


def draw_people(facts: Iterable[Fact]) -> list[Fact]:
    """Units, duties and people for districts and cells that stand already."""
    names = table("names")
    mark, source = names["mark"], names["source"]
    cells = [fact for fact in facts if isinstance(fact, Cell)]
    districts = [fact for fact in facts if isinstance(fact, District)]
    out: list[Fact] = [
        Unit(id=code, name=mark + label, kind="maintainer" if code.startswith("maintainer") else "department", source=source)
        for code, label in names["unit"].items()
    ]
    out += [
        Duty(id=matter, name=matter, matter=matter, lead=lead, support=support, basis=source, source=source)
        for matter, (lead, support) in DUTIES.items()
    ]
    out += [_person("commander", 1, "command", ()), *(_person("duty_officer", n, "command", ()) for n in (1, 2, 3))]
    for code in ("maintainer_air", "maintainer_outlet", "maintainer_water"):
        out += [_person("maintainer", n, code, ()) for n in (1, 2)]
    for district in districts:
        out += _district_people(district, cells)
    return out


def _district_people(district: District, cells: list[Cell]) -> list[Fact]:
    own = [cell for cell in cells if cell.district == district.id]
    level2 = tuple(cell.id for cell in own if cell.level == 2)
    people: list[Fact] = [_person("dispatcher", 1, "ecology", level2, district.id)]
    people += [_person("verifier", n, "ecology", level2, district.id) for n in (1, 2)]
    for town in (cell for cell in own if cell.level == 3):
        people.append(_person("grid_chief", int(town.id[6:]), "street", (town.id,), district.id))
    for village in (cell for cell in own if cell.level == 4):
        people.append(_person("grid_officer", int(village.id[6:]), "street", (village.id,), district.id))
    return people


def _person(role: str, number: int, unit: str, cells: tuple[str, ...], district: str = "") -> Person:
    names = table("names")
    owner = unit if role == "maintainer" else district
    where = f"-{owner}" if owner else ""
    shown = district[-1:] if district else ""
    return Person(
        id=f"{role}{where}-{number:06d}",
        name=f"{names['mark']}{names['person'][role]}{shown}{number:03d}",
        roles=(role,),
        unit=unit,
        cells=cells,
        district=district,
        source=names["source"],
    )

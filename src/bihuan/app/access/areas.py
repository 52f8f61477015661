"""What a person may see of the city, in one place: all of it, a district, own outlets, own devices, or nothing."""

from __future__ import annotations

from dataclasses import dataclass

from bihuan.app.access.sessions import Session
from bihuan.app.town import Town
from bihuan.cases import Case, matter_of_site
from bihuan.core import DutyError, Ref
from bihuan.register import Outlet, Person, WorkSite

DESK = frozenset({"duty_officer", "duty_leader", "signatory", "dispatcher"})
"""Roles of the desk: the whole city, or their district where they have one."""

CITY = DESK | {"grid_officer", "handler", "verifier", "data_engineer"}
"""Roles that see sites, the whole city's or their district's."""

BOUND = frozenset({"enterprise_manager", "maintainer"})
"""Roles that see only what is theirs."""

ADMINISTRATORS = frozenset({"system_admin", "security_admin", "audit_admin"})
"""Three people: who runs the system, who keeps the accounts, who reads the audit; none sees business data."""


@dataclass(frozen=True, slots=True)
class Area:
    """The part of the city that one person sees; every field empty is the whole city.

    Attributes
    ----------
    district : str
        Only this district.
    enterprise : str
        Only the outlets of this enterprise.
    maintainer : str
        Only sites whose loggers this unit maintains.
    department : str
        Of outlets and work sites only those that this unit answers for, by the table of duties. Stations and sections
        measure what is everybody's, and no duty names who answers for them.
    """

    district: str = ""
    enterprise: str = ""
    maintainer: str = ""
    department: str = ""

    @property
    def whole(self) -> bool:
        """Whether everything is seen."""
        return self == EVERYWHERE

    def sees(self, ref: Ref, town: Town) -> bool:
        """Say whether a site (or the city itself) lies in the area."""
        if self.whole:
            return True
        if ref == town.ref:
            return not self.enterprise and not self.maintainer
        fact = town.register.resolve(ref, town.on)
        if self.enterprise:
            return isinstance(fact, Outlet) and fact.enterprise == self.enterprise
        if self.maintainer:
            return any(one.maintainer == self.maintainer for one in town.register.devices_of(ref, town.on))
        near = fact is not None and self.district in ("", getattr(fact, "district", ""))
        if near and self.department and isinstance(fact, Outlet | WorkSite):
            return _answers(self.department, fact, town)
        return near


def _answers(unit: str, site: Outlet | WorkSite, town: Town) -> bool:
    """Say whether a unit leads or supports the matter that a site amounts to, where it lies."""
    try:
        duty = town.register.duty(matter_of_site(site), site.district, town.on)
    except DutyError:
        return False
    return unit == duty.lead or unit in duty.support


EVERYWHERE = Area()
"""The whole city."""

NOTHING = Area(enterprise="-")
"""No site at all."""


def area_of(session: Session) -> Area:
    """Return what a session may see."""
    person, roles = session.person, set(session.roles)
    if roles & CITY - {"handler"}:
        return Area(district=person.district)
    if "handler" in roles:
        return Area(district=person.district, department=person.unit or "-")
    if "enterprise_manager" in roles:
        return Area(enterprise=person.unit or "-")
    if "maintainer" in roles:
        return Area(maintainer=person.unit or "-")
    return NOTHING


@dataclass(frozen=True, slots=True)
class Sight:
    """The cases that one person sees: all, or those given to person or unit, of the own cells, of the own district.

    Attributes
    ----------
    everything : bool
    person, unit : str
        Whose cases are seen wherever they are.
    district : str or None
        All of this district, and those that name none; None for none.
    cells : frozenset of str
        All of these cells of the grid.
    """

    everything: bool = False
    person: str = ""
    unit: str = ""
    district: str | None = None
    cells: frozenset[str] = frozenset()

    def sees(self, case: Case) -> bool:
        """Say whether a case is among them."""
        if self.everything:
            return True
        units = {case.lead, *case.support, case.opening.enterprise}
        if self.person and (case.officer == self.person or self.person in case.handlers):
            return True
        if (self.unit and self.unit in units) or (case.cell and case.cell in self.cells):
            return True
        return self.district is not None and case.district in ("", self.district)


def sight_of(session: Session) -> Sight:
    """Return which cases a session sees: departments, enterprises and maintainers what was given to them."""
    person, roles = session.person, set(session.roles)
    whole = bool(roles & (DESK | {"verifier"}))
    if whole and not person.district:
        return Sight(everything=True)
    cells = session.cells if "grid_officer" in roles else frozenset[str]()
    return Sight(person=person.id, unit=person.unit, district=person.district if whole else None, cells=cells)


def sees_case(session: Session, case: Case) -> bool:
    """Say whether a case belongs to what a person may see."""
    return sight_of(session).sees(case)


def cells_of(person: Person, town: Town) -> frozenset[str]:
    """Return the cells of a person with all that lie below them."""
    found: set[str] = set()
    waiting = list(person.cells)
    while waiting:
        cell = waiting.pop()
        if cell not in found:
            found.add(cell)
            waiting += town.below.get(cell, ())
    return frozenset(found)

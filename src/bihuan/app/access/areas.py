"""What a person may see of the city, in one place: all of it, a district, own outlets, own devices, or nothing."""

from __future__ import annotations

from dataclasses import dataclass

from bihuan.app.access.sessions import Session
from bihuan.app.town import Town
from bihuan.cases import Case
from bihuan.core import Ref
from bihuan.register import Outlet

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
    """

    district: str = ""
    enterprise: str = ""
    maintainer: str = ""

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
        return getattr(fact, "district", "") == self.district


EVERYWHERE = Area()
"""The whole city."""

NOTHING = Area(enterprise="-")
"""No site at all."""


def area_of(session: Session) -> Area:
    """Return what a session may see."""
    person, roles = session.person, set(session.roles)
    if roles & CITY:
        return Area(district=person.district)
    if "enterprise_manager" in roles:
        return Area(enterprise=person.unit or "-")
    if "maintainer" in roles:
        return Area(maintainer=person.unit or "-")
    return NOTHING


def sees_case(session: Session, case: Case) -> bool:
    """Say whether a case belongs to what a person may see: own unit, own enterprise, own district, or the city."""
    person, roles = session.person, set(session.roles)
    units = {case.lead, *case.support, case.opening.enterprise}
    if case.officer == person.id or person.id in case.handlers or (person.unit and person.unit in units):
        return True
    if not roles & (DESK | {"grid_officer", "verifier"}):
        return False  # department, enterprise and maintainer see what was given to them
    return not person.district or not case.district or person.district == case.district

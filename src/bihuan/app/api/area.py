"""What a person may see of the city: all of it, a district, an enterprise's own outlets or a maintainer's own sites."""

from __future__ import annotations

from dataclasses import dataclass

from bihuan.app.access import Session
from bihuan.app.town import Town
from bihuan.core import Ref
from bihuan.register import Outlet

BOUND = frozenset({"enterprise_manager", "maintainer"})
"""Roles that see only what is theirs."""


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


def area_of(session: Session) -> Area:
    """Return what a session may see; the one place where this part of the interface asks for it."""
    person = session.person
    if BOUND.issuperset(person.roles):
        own = "enterprise_manager" in person.roles
        return Area(enterprise=person.unit or "-") if own else Area(maintainer=person.unit or "-")
    return Area(district=person.district)

"""The register: every fact of the city by kind and id, as it stood on a day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import TypeVar

from bihuan.core import DutyError, Place, Ref, RegisterError
from bihuan.register.facts import (
    Cell,
    Device,
    District,
    Duty,
    Enterprise,
    Fact,
    Outlet,
    Person,
    Section,
    Station,
    Unit,
    WorkSite,
)
from bihuan.register.geometry import contains

F = TypeVar("F", bound=Fact)

KINDS: dict[str, type[Fact]] = {
    "cell": Cell,
    "device": Device,
    "district": District,
    "duty": Duty,
    "enterprise": Enterprise,
    "outlet": Outlet,
    "person": Person,
    "section": Section,
    "station": Station,
    "unit": Unit,
    "worksite": WorkSite,
}
"""Kind as it stands in a `Ref` -> type of the fact."""

KIND_OF: dict[type[Fact], str] = {fact: kind for kind, fact in KINDS.items()}


class Register:
    """Every fact of the city, in the order it was given.

    Parameters
    ----------
    facts : iterable of Fact

    Raises
    ------
    RegisterError
        If two spans of one id overlap.
    """

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self._spans: dict[type[Fact], dict[str, list[Fact]]] = {kind: {} for kind in KIND_OF}
        for fact in facts:
            self._add(fact)

    def _add(self, fact: Fact) -> None:
        spans = self._spans[type(fact)].setdefault(fact.id, [])
        for other in spans:
            if _overlap(fact, other):
                raise RegisterError(
                    f"{KIND_OF[type(fact)]} {fact.id} holds twice from {max(fact.valid_from, other.valid_from)}: "
                    "spans of one id must not overlap; end the earlier one with valid_to"
                )
        spans.append(fact)
        spans.sort(key=lambda span: span.valid_from)

    def __iter__(self) -> Iterator[Fact]:
        for by_id in self._spans.values():
            for spans in by_id.values():
                yield from spans

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def all(self, kind: type[F], on: date) -> tuple[F, ...]:
        """Return every fact of a kind that holds on a day, by id."""
        by_id = self._spans[kind]
        found = (self.get(kind, ident, on) for ident in sorted(by_id))
        return tuple(fact for fact in found if fact is not None)

    def get(self, kind: type[F], ident: str, on: date) -> F | None:
        """Return the fact as it stood on a day, or None."""
        for span in self._spans[kind].get(ident, ()):
            if span.holds(on):
                return span  # type: ignore[return-value]  # the outer key is its type
        return None

    def need(self, kind: type[F], ident: str, on: date) -> F:
        """Return the fact as it stood on a day.

        Raises
        ------
        RegisterError
            If it is unknown or did not hold on that day.
        """
        fact = self.get(kind, ident, on)
        if fact is None:
            raise RegisterError(f"{KIND_OF[kind]} {ident!r} is not in the register on {on}; import or extend it")
        return fact

    def resolve(self, ref: Ref, on: date) -> Fact | None:
        """Return what a ``kind:id`` reference points at, or None."""
        kind = KINDS.get(ref.kind)
        return None if kind is None else self.get(kind, ref.id, on)

    def site_of(self, mn: str, on: date) -> Ref | None:
        """Return the site that a logger measures, or None when it is unknown (待认领)."""
        device = self.get(Device, mn, on)
        return None if device is None else Ref.parse(device.site)

    def devices_of(self, site: Ref, on: date) -> tuple[Device, ...]:
        """Return the loggers of a site."""
        return tuple(device for device in self.all(Device, on) if device.site == str(site))

    def place_of(self, ref: Ref, on: date) -> Place | None:
        """Return where something stands, or None when it has no place."""
        fact = self.resolve(ref, on)
        place = getattr(fact, "place", None) or getattr(fact, "centre", None)
        return place if isinstance(place, Place) else None

    def cell_at(self, place: Place, on: date) -> Cell | None:
        """Return the finest grid cell that holds a place (level 4 first), or None outside all."""
        cells = sorted(self.all(Cell, on), key=lambda cell: -cell.level)
        return next((cell for cell in cells if contains(cell.boundary, place)), None)

    def officers_of(self, cell: str, on: date, role: str = "grid_officer") -> tuple[Person, ...]:
        """Return the people of a role who answer for a cell, going up to its parents if none does."""
        while cell:
            people = tuple(p for p in self.all(Person, on) if role in p.roles and cell in p.cells)
            if people:
                return people
            found = self.get(Cell, cell, on)
            cell = found.parent if found else ""
        return ()

    def duty(self, matter: str, district: str, on: date) -> Duty:
        """Return who leads a matter in a district; a row for the district beats one for the city.

        Raises
        ------
        DutyError
            If no row of 事项—责任单位 covers it.
        """
        rows = [duty for duty in self.all(Duty, on) if duty.matter == matter and duty.district in ("", district)]
        if not rows:
            raise DutyError(
                f"nobody answers for matter {matter!r} in district {district!r} on {on}: "
                "add a row to the duty table (matters and units)"
            )
        return max(rows, key=lambda duty: duty.district != "")


def _overlap(one: Fact, other: Fact) -> bool:
    ends = (one.valid_to or date.max, other.valid_to or date.max)
    return one.valid_from < ends[1] and other.valid_from < ends[0]

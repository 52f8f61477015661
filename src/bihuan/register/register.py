"""The register: every fact of the city by kind and id, as it stood on a day."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import Any, TypeVar, cast

from bihuan.core import DutyError, InputError, Place, Ref, RegisterError
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
from bihuan.register.geometry import Areas
from bihuan.register.merging import Change, changes, merged, ordered

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

_DAYS_KEPT = 64
"""Lists of one kind on one day that are kept; a city asks for today's over and over."""


class Register:
    """Every fact of the city. It never changes: `merge` returns another one.

    Parameters
    ----------
    facts : iterable of Fact

    Raises
    ------
    RegisterError
        If two spans of one id overlap, or one ends before it begins.
    """

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self._spans: dict[type[Fact], dict[str, list[Fact]]] = {kind: {} for kind in KIND_OF}
        self._days: dict[tuple[type[Fact], date], tuple[Fact, ...]] = {}
        for fact in facts:
            self._spans[type(fact)].setdefault(fact.id, []).append(fact)
        for by_id in self._spans.values():
            for spans in by_id.values():
                _settle(spans)

    def __iter__(self) -> Iterator[Fact]:
        for by_id in self._spans.values():
            for spans in by_id.values():
                yield from spans

    def __len__(self) -> int:
        return sum(len(spans) for by_id in self._spans.values() for spans in by_id.values())

    def merge(
        self, facts: Iterable[Fact], *, told: Mapping[str, Collection[str]] | None = None, since: date | None = None
    ) -> tuple[Register, tuple[Change, ...]]:
        """Return the register that also knows these facts, and what that changed.

        The rules stand in `bihuan.register.merging`; the same facts twice change nothing.

        Parameters
        ----------
        facts : iterable of Fact
        told : mapping of str to collection of str, optional
            Kind -> names of the fields that the source speaks of; a field it does not speak of keeps its known
            value. `bihuan.formats.Imported.told` has it.
        since : date, optional
            First day of a change that carries no dates; without it such a change corrects the known span.

        Returns
        -------
        register : Register
        changes : tuple of Change
            By kind, id and first day.

        Raises
        ------
        RegisterError
            If two of the facts speak of one id on one day, or one ends before it begins.
        """
        news: dict[tuple[str, str], list[Fact]] = {}
        for fact in facts:
            news.setdefault((KIND_OF[type(fact)], fact.id), []).append(fact)
        after = Register()
        after._spans = {kind: dict(by_id) for kind, by_id in self._spans.items()}
        found: list[Change] = []
        for (kind, ident), heard in sorted(news.items(), key=lambda item: item[0]):
            by_id = after._spans[KINDS[kind]]
            before = spans = by_id.get(ident, [])
            for fact in ordered(heard):
                spans = merged(spans, fact, told.get(kind) if told else None, since)
            by_id[ident] = spans = list(spans)
            _settle(spans)
            found += changes(kind, before, spans)
        return after, tuple(found)

    def all(self, kind: type[F], on: date) -> tuple[F, ...]:
        """Return every fact of a kind that holds on a day, by id."""
        known = self._days.get((kind, on))
        if known is None:
            by_id = self._spans[kind]
            known = tuple(span for ident in sorted(by_id) for span in by_id[ident] if span.holds(on))
            while len(self._days) >= _DAYS_KEPT:
                self._days.pop(next(iter(self._days), (kind, on)), None)
            self._days[kind, on] = known
        return cast("tuple[F, ...]", known)

    def get(self, kind: type[F], ident: str, on: date) -> F | None:
        """Return the fact as it stood on a day, or None."""
        for span in self._spans[kind].get(ident, ()):
            if span.holds(on):
                return cast("F", span)
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
        try:
            return None if device is None else Ref.parse(device.site)
        except InputError:  # registered, but nobody has said yet what it measures
            return None

    def devices_of(self, site: Ref, on: date) -> tuple[Device, ...]:
        """Return the loggers of a site, by id."""
        return tuple(device for device in self._by_site.get(str(site), ()) if device.holds(on))

    def place_of(self, ref: Ref, on: date) -> Place | None:
        """Return where something stands, or None when it has no place."""
        fact = self.resolve(ref, on)
        place = getattr(fact, "place", None) or getattr(fact, "centre", None)
        return place if isinstance(place, Place) else None

    def cell_at(self, place: Place, on: date) -> Cell | None:
        """Return the finest grid cell that holds a place (level 4 first), or None outside all.

        Where cells of one level share an edge or overlap, the first id answers, so that it is always the same.
        """
        found = [cell for cell in self._cells.at(place) if cell.holds(on)]
        return min(found, key=lambda cell: (-cell.level, cell.id), default=None)

    def district_at(self, place: Place, on: date) -> District | None:
        """Return the district whose boundary holds a place, or None outside all (first id on a shared edge)."""
        found = [district for district in self._districts.at(place) if district.holds(on)]
        return min(found, key=lambda district: district.id, default=None)

    def officers_of(self, cell: str, on: date, role: str = "grid_officer") -> tuple[Person, ...]:
        """Return the people of a role who answer for a cell, going up to its parents if none does."""
        seen: set[str] = set()
        while cell and cell not in seen:
            people = tuple(p for p in self._by_cell.get(cell, ()) if role in p.roles and p.holds(on))
            if people:
                return people
            seen.add(cell)
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
        rows = [row for row in self._by_matter.get(matter, ()) if row.district in ("", district) and row.holds(on)]
        if not rows:
            raise DutyError(
                f"nobody answers for matter {matter!r} in district {district!r} on {on}: "
                "add a row to the duty table (matters and units)"
            )
        return max(rows, key=lambda duty: duty.district != "")

    # Indexes hold every span and are made when first asked for; a look-up then sifts the few it finds by day.

    @cached_property
    def _by_site(self) -> dict[str, list[Device]]:
        return self._index(Device, lambda device: (device.site,))

    @cached_property
    def _by_cell(self) -> dict[str, list[Person]]:
        return self._index(Person, lambda person: person.cells)

    @cached_property
    def _by_matter(self) -> dict[str, list[Duty]]:
        return self._index(Duty, lambda duty: (duty.matter,))

    @cached_property
    def _cells(self) -> Areas[Cell]:
        return self._areas(Cell)

    @cached_property
    def _districts(self) -> Areas[District]:
        return self._areas(District)

    def _index(self, kind: type[F], keys: Callable[[F], Iterable[str]]) -> dict[str, list[F]]:
        found: dict[str, list[F]] = {}
        for span in self._sorted(kind):
            for key in dict.fromkeys(keys(span)):
                found.setdefault(key, []).append(span)
        return found

    def _areas(self, kind: type[Any]) -> Areas[Any]:
        spans = self._sorted(kind)
        return Areas(spans, [span.boundary for span in spans])

    def _sorted(self, kind: type[F]) -> list[F]:
        by_id = self._spans[kind]
        return [cast("F", span) for ident in sorted(by_id) for span in by_id[ident]]


def _settle(spans: list[Fact]) -> None:
    """Sort the spans of one id by their first day and see that they do not overlap."""
    spans.sort(key=lambda span: span.valid_from)
    for span, following in zip(spans, [*spans[1:], None], strict=True):
        who = f"{KIND_OF[type(span)]} {span.id}"
        if span.valid_to is not None and span.valid_to <= span.valid_from:
            raise RegisterError(f"{who} ends on {span.valid_to}, not after {span.valid_from}: valid_to must follow")
        if following and (span.valid_to or date.max) > following.valid_from:
            raise RegisterError(
                f"{who} holds twice from {following.valid_from}: "
                "spans of one id must not overlap; end the earlier one with valid_to"
            )

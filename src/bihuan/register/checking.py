"""Whether the facts fit together: what each names is there, and it stands where it says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from bihuan.core import Complaint, InputError, Ref
from bihuan.register.facts import Cell, Device, District, Duty, Enterprise, Fact, Outlet, Person, Unit
from bihuan.register.geometry import contains
from bihuan.register.register import KIND_OF, KINDS, Register

_NAMES: dict[type[Fact], dict[str, type[Fact]]] = {
    Cell: {"parent": Cell},
    Outlet: {"enterprise": Enterprise},
    Device: {"maintainer": Unit},
    Person: {"unit": Unit, "cells": Cell},
    Duty: {"lead": Unit, "support": Unit},
}
"""Field of a kind -> kind of what it names by id; `district` is one wherever it is."""


def check(register: Register, on: date) -> tuple[Complaint, ...]:
    """Return what does not fit together in the register on a day, by kind and id.

    Import order is free (an outlet may arrive before its enterprise), so nothing here stops an import; this
    is the list that somebody works off afterwards. Reasons: ``register_unknown`` (a fact names another that is
    not there), ``register_outside`` (it stands outside the district it names), ``register_loop`` (a grid cell
    is its own ancestor), ``register_level`` (a parent cell is not of a coarser level).
    """
    complaints: list[Complaint] = []
    for kind in sorted(KINDS):
        for fact in register.all(KINDS[kind], on):
            complaints += _unknown(register, fact, on)
            complaints += _outside(register, fact, on)
            if isinstance(fact, Cell):
                complaints += _family(register, fact, on)
    return tuple(complaints)


def _unknown(register: Register, fact: Fact, on: date) -> Iterator[Complaint]:
    for name, kind in (_NAMES.get(type(fact), {}) | {"district": District}).items():
        value = getattr(fact, name, "")
        for ident in value if isinstance(value, tuple) else (value,):
            if ident and register.get(kind, ident, on) is None and not _works_there(register, fact, name, ident, on):
                yield _complaint("register_unknown", fact, f"{name} {KIND_OF[kind]}:{ident} is not in the register")
    if isinstance(fact, Device):
        try:
            site = Ref.parse(fact.site)
        except InputError:
            yield _complaint("register_unknown", fact, "it measures no site: give station:, section: or outlet: and id")
            return
        if register.resolve(site, on) is None:
            yield _complaint("register_unknown", fact, f"site {site} is not in the register")


def _works_there(register: Register, fact: Fact, name: str, ident: str, on: date) -> bool:
    """The environmental manager of an enterprise has the enterprise as unit."""
    manages = isinstance(fact, Person) and "enterprise_manager" in fact.roles
    return manages and name == "unit" and register.get(Enterprise, ident, on) is not None


def _outside(register: Register, fact: Fact, on: date) -> Iterator[Complaint]:
    place = register.place_of(Ref(KIND_OF[type(fact)], fact.id), on)
    district = register.get(District, getattr(fact, "district", ""), on)
    if place and district and district.boundary and not contains(district.boundary, place):
        home = register.district_at(place, on)
        there = f"it lies in {home.id} {home.name}" if home else "it lies in no known district"
        yield _complaint("register_outside", fact, f"not inside its district {district.id} {district.name}: {there}")


def _family(register: Register, cell: Cell, on: date) -> Iterator[Complaint]:
    parent = register.get(Cell, cell.parent, on)
    if parent and parent.level >= cell.level:
        yield _complaint("register_level", cell, f"level {cell.level} under {parent.id} of level {parent.level}")
    seen = {cell.id}
    while parent and parent.id not in seen:
        seen.add(parent.id)
        parent = register.get(Cell, parent.parent, on)
    if parent and parent.id == cell.id:
        yield _complaint("register_loop", cell, "it is its own ancestor: correct the parents")


def _complaint(reason: str, fact: Fact, detail: str) -> Complaint:
    return Complaint(reason, f"{fact.name}: {detail}", f"{KIND_OF[type(fact)]}:{fact.id}", "warning")

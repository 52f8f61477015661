"""Who a case goes to: the unit by 事项—责任单位, the officer by the grid cell, the maintainer by the device."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bihuan.cases.machine import machine
from bihuan.cases.matters import Matter, matter_of
from bihuan.cases.model import Case
from bihuan.core import DutyError, Place, Ref
from bihuan.register import Device, District, Duty, Person, Register, Unit, contains

DUTY_DESK = "duty_desk"
"""Kind of the unit, and its id where the register holds none, that gets what nobody else answers for."""

FAULT = "device_fault"
"""The one matter that goes to a maintainer as 运维工单."""


@dataclass(frozen=True, slots=True)
class Route:
    """Who answers for a matter at a place.

    Attributes
    ----------
    lead : str
        牵头单位.
    support : tuple of str
        配合单位.
    officer : str
        网格员 who is to go; empty for a 运维工单 and outside the grid.
    cell, district : str
    basis : str
        ``duty:<id>`` a row of the register, ``default`` the usual department, ``device:<mn>`` the maintainer,
        ``desk`` the duty desk because nobody answers.
    note : str
        Why, in English; holds the `DutyError` when nobody answers.
    """

    lead: str
    support: tuple[str, ...]
    officer: str
    cell: str
    district: str
    basis: str
    note: str = ""


def route(
    matter: str, place: Place | None, register: Register, on: date, *, district: str = "", subject: Ref | None = None
) -> Route:
    """Return who answers; never raises for a hole in the duty table, the duty desk answers then.

    Parameters
    ----------
    matter : str
        Code of ``matters.toml``.
    place : Place or None
    register : Register
    on : date
        Day on which the duty is asked for.
    district : str
        Known without a place, for instance from a work order.
    subject : Ref or None
        Device or measured site of a device fault.

    Raises
    ------
    InputError
        If the matter is unknown.
    """
    kind = matter_of(matter)
    cell = register.cell_at(place, on) if place else None
    district = (cell.district if cell else "") or (_district_at(place, register, on) if place else "") or district
    if matter == FAULT:
        return _maintenance(register, on, district, cell.id if cell else "", subject)
    people = register.officers_of(cell.id, on) if cell else ()
    officer = people[0] if people and kind.grid_officer else None
    lead, support, basis, note = _duty(kind, register, on, district, officer)
    if place and not cell:
        note = f"{note}; the place lies outside every grid cell".lstrip("; ")
    return Route(lead, support, officer.id if officer else "", cell.id if cell else "", district, basis, note)


def _district_at(place: Place, register: Register, on: date) -> str:
    return next((area.id for area in register.all(District, on) if contains(area.boundary, place)), "")


def _duty(
    kind: Matter, register: Register, on: date, district: str, officer: Person | None
) -> tuple[str, tuple[str, ...], str, str]:
    try:
        duty = _row(kind, register, on, district)
        return duty.lead, duty.support, f"duty:{duty.id}", ""
    except DutyError as hole:
        lead = _unit(kind.lead, register, on, district, officer)
        if not lead:
            return duty_desk(register, on), (), "desk", f"{hole}; sent to the duty desk"
        support = tuple(filter(None, (_unit(name, register, on, district, officer) for name in kind.support)))
        others = tuple(dict.fromkeys(unit for unit in support if unit != lead))
        return lead, others, "default", f"{hole}; the usual department was taken"


def _row(kind: Matter, register: Register, on: date, district: str) -> Duty:
    """A row for the matter, else one for its whole medium (``air water soil mobile``)."""
    try:
        return register.duty(kind.code, district, on)
    except DutyError as hole:
        try:
            return register.duty(kind.medium, district, on)
        except DutyError:
            raise hole from None


def _unit(kind: str, register: Register, on: date, district: str, officer: Person | None) -> str:
    """Return the unit of a kind: of the officer for a street, of the district, of the city; empty when none."""
    if kind == "street" and officer and officer.unit:
        return officer.unit
    units = [unit for unit in register.all(Unit, on) if unit.kind == kind and unit.district in ("", district)]
    return max(units, key=lambda unit: unit.district != "").id if units else ""


def duty_desk(register: Register, on: date) -> str:
    """Return the city's duty desk."""
    desks = [unit.id for unit in register.all(Unit, on) if unit.kind == DUTY_DESK]
    return desks[0] if desks else DUTY_DESK


def _maintenance(register: Register, on: date, district: str, cell: str, subject: Ref | None) -> Route:
    devices: tuple[Device, ...] = ()
    if subject and subject.kind == "device":
        device = register.get(Device, subject.id, on)
        devices = (device,) if device else ()
    elif subject:
        devices = register.devices_of(subject, on)
    for device in devices:
        if device.maintainer:
            return Route(device.maintainer, (), "", cell, district, f"device:{device.id}")
    note = f"no device of {subject} names a maintainer in the register; sent to the duty desk"
    return Route(duty_desk(register, on), (), "", cell, district, "desk", note)


def addressees(name: str, case: Case, register: Register, on: date) -> tuple[Ref, ...]:
    """Return who is meant by ``addressee``, ``enterprise``, ``dispatcher`` or another role, never nobody.

    ``addressee`` is whoever has to act in the present state: the desk before 交办, officer and unit until 反馈, the
    checkers until 销号, the desk again for 回访.
    """
    if name == "enterprise":
        found = _of_enterprise(case, register, on)
    else:
        found = _acting(case, register, on) if name == "addressee" else _role(name, case, register, on)
    return found or (Ref("unit", duty_desk(register, on)),)


WORKING = ("dispatched", "signed", "on_site", "handling", "enforcement", "suspended")
HANDS = ("handler", "maintainer", "enterprise_manager")


def _acting(case: Case, register: Register, on: date) -> tuple[Ref, ...]:
    if case.state in WORKING:
        officer = (Ref("person", case.officer),) if case.officer else ()
        unit = [p for p in register.all(Person, on) if p.unit == case.lead and set(HANDS) & set(p.roles)]
        people = officer + tuple(Ref("person", person.id) for person in unit)
        return tuple(dict.fromkeys(people)) or ((Ref("unit", case.lead),) if case.lead else ())
    if case.state == "explaining":
        return _of_enterprise(case, register, on)
    if case.state in {"reviewing", "concluded"}:
        return _role("duty_officer", case, register, on)
    if case.state in {"reported", "checking"}:
        checkers = machine().row("check", "reported", case.kind)
        roles = checkers.roles if checkers else ()
        return tuple(ref for role in roles for ref in _role(role, case, register, on) if ref.id not in case.handlers)
    if case.state in {"closed", "void"}:
        return _role("duty_officer", case, register, on)
    return _role("dispatcher", case, register, on) or _role("duty_officer", case, register, on)


def _of_enterprise(case: Case, register: Register, on: date) -> tuple[Ref, ...]:
    """The environmental managers of the enterprise whose outlet it is."""
    mine = case.opening.enterprise
    people = [p for p in register.all(Person, on) if mine and p.unit == mine and "enterprise_manager" in p.roles]
    return tuple(Ref("person", person.id) for person in people)


def _role(role: str, case: Case, register: Register, on: date) -> tuple[Ref, ...]:
    people = [p for p in register.all(Person, on) if role in p.roles and p.district in ("", case.district)]
    return tuple(Ref("person", person.id) for person in people)

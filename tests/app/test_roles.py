"""Roles through an import: only who keeps the accounts, or operates the machine, lets a person rise."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from bihuan.app.access import risen
from bihuan.app.clock import CityClock
from bihuan.app.importing import import_files
from bihuan.app.opened import open_alone
from bihuan.app.receipts import Report
from bihuan.register import Person, Register
from tests.app.homes import NOW

ON = date(2026, 3, 10)
HEADER = "人员编号,姓名,角色,电话,生效日期,失效日期"


def people(home: Path, lines: list[str], roles: bool) -> Report:
    file = home.parent / "people.csv"
    file.write_text("\n".join([HEADER, *lines]) + "\n", "utf-8")
    return import_files(home, [file], clock=CityClock(NOW), roles=roles)[0]


def roles_of(home: Path) -> dict[str, tuple[str, ...]]:
    with open_alone(home) as store:
        return {person.id: person.roles for person in store.records.register().all(Person, ON)}


def test_a_row_that_changes_roles_is_left_out_and_named_and_the_others_are_taken(tmp_path: Path) -> None:
    home = tmp_path / "home"
    people(home, ["P1,甲,网格员,,,", "P2,乙,值班员,,,"], roles=True)
    found = people(home, ["P1,甲,网格员,13800000001,,", "P2,乙,带班领导,,,", "P3,丙,核查员,,,"], roles=False)
    assert [(one.row, one.column, one.severity) for one in found.errors] == [(3, "角色", "error"), (4, "角色", "error")]
    assert "安全保密管理员" in found.errors[0].words("zh") and "security administrator" in found.errors[0].words("en")
    assert (found.new, found.revised, found.unchanged) == (0, 1, 0)
    assert roles_of(home) == {"P1": ("grid_officer",), "P2": ("duty_officer",)}
    again = people(home, ["P2,乙,带班领导,,,", "P3,丙,核查员,,,"], roles=True)
    assert not again.errors and roles_of(home)["P2"] == ("duty_leader",) and "P3" in roles_of(home)


def span(roles: str, first: date = date.min, last: date | None = None) -> Person:
    return Person(id="P", name="x", roles=tuple(roles.split()), valid_from=first, valid_to=last)


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("known", "heard", "rises"),
    [
        ([], span("verifier"), True),
        ([span("verifier")], span("verifier"), False),
        ([span("verifier handler")], span("handler verifier"), False),
        ([span("verifier")], span("verifier handler"), True),
        ([span("verifier handler")], span("verifier"), True),
        ([span("verifier", last=ON)], span("verifier", ON, ON + DAY), True),  # whose time is over comes back
        ([span("verifier", last=ON + DAY)], span("verifier", ON + DAY), False),  # whose time goes on as it was
        ([span("verifier")], span("handler", ON + DAY), True),  # tomorrow
        ([span("verifier")], span("handler", ON - 9 * DAY, ON - DAY), True),  # who answered in the past
    ],
)
def test_who_rises(known: list[Person], heard: Person, rises: bool) -> None:
    before = Register(known)
    _, changes = before.merge([heard])
    assert risen(before, changes, ON) == (frozenset({"P"}) if rises else frozenset())

"""The register of the synthetic city goes out of every door and in again: nothing changes."""

from pathlib import Path

import pytest

from bihuan.app.city import plan_city
from bihuan.core import local_date
from bihuan.formats import read_register, write_register
from bihuan.register import Register, check


@pytest.fixture(scope="module")
def register() -> Register:
    return plan_city(seed=1, hours=1).register


@pytest.mark.parametrize("form", ["city.xlsx", "city.geojson", "city"])
def test_a_whole_city_survives(form: str, register: Register, tmp_path: Path) -> None:
    write_register(register, tmp_path / form)
    imported = read_register(tmp_path / form)
    assert imported.errors == imported.warnings == ()
    assert len(imported.facts) == len(register)
    assert register.merge(imported.facts, told=imported.told)[1] == ()


def test_the_facts_of_the_city_fit_together(register: Register) -> None:
    day = local_date(plan_city(seed=1, hours=1).start)
    assert check(register, day) == ()

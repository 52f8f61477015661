"""What the loop may see of the synthetic city."""

import ast
from collections import Counter
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np
import pytest

from bihuan.app.city import CityPlan, air_stations, plan_city
from bihuan.core import Place, local_date, to_json
from bihuan.register import Cell, Device, Enterprise, Outlet, Person, Section, Station, WorkSite, check

SOURCE = Path(__file__).parents[3] / "src" / "bihuan"
ZHENGZHOU = Place(113.62, 34.75)


@pytest.fixture(scope="module")
def plan() -> CityPlan:
    return plan_city(1)


def test_the_same_seed_gives_the_same_city_byte_for_byte(plan: CityPlan) -> None:
    again = plan_city(1)
    assert to_json(list(plan.register)) == to_json(list(again.register))
    assert np.array_equal(plan.weather.wind_from, again.weather.wind_from)


def test_another_seed_gives_another_city(plan: CityPlan) -> None:
    assert to_json(list(plan.register)) != to_json(list(plan_city(2).register))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_everything_in_the_register_fits_together(seed: int) -> None:
    plan = plan_city(seed)
    assert check(plan.register, local_date(plan.start)) == ()


def test_the_city_has_the_size_that_the_house_plan_asks_for(plan: CityPlan) -> None:
    day = local_date(plan.start)
    kinds = Counter(station.kind for station in plan.register.all(Station, day))
    assert {"national", "provincial", "city", "micro", "dust", "weather"} == set(kinds)
    assert 38 <= len(air_stations(plan)) <= 44
    outlets = plan.register.all(Outlet, day)
    assert 130 <= len(outlets) <= 170
    assert 10 <= sum(outlet.medium == "water" for outlet in outlets) <= 14
    assert 85 <= len(plan.register.all(Enterprise, day)) <= 95
    assert {cell.level for cell in plan.register.all(Cell, day)} == {1, 2, 3, 4}
    assert {site.matter for site in plan.register.all(WorkSite, day)} >= {"construction", "road"}
    assert len(plan.register.all(Section, day)) == 8


def test_its_names_say_that_it_is_synthetic_and_its_people_are_roles(plan: CityPlan) -> None:
    day = local_date(plan.start)
    for kind in (Station, Outlet, Enterprise, WorkSite, Section, Cell, Person):
        assert all(fact.name.startswith("合成") for fact in plan.register.all(kind, day))
    assert all(person.name[-3:].isdigit() and not person.phone for person in plan.register.all(Person, day))


def test_it_lies_where_no_city_stands(plan: CityPlan) -> None:
    assert plan.centre.distance(ZHENGZHOU) > 900_000


def test_every_measured_site_has_one_logger_with_a_rhythm(plan: CityPlan) -> None:
    day = local_date(plan.start)
    devices = plan.register.all(Device, day)
    sites = [f"station:{s.id}" for s in plan.register.all(Station, day)]
    sites += [f"outlet:{o.id}" for o in plan.register.all(Outlet, day)]
    sites += [f"section:{s.id}" for s in plan.register.all(Section, day)]
    assert sorted(device.site for device in devices) == sorted(sites)
    assert all(device.rhythm for device in devices)
    assert {device.protocol for device in devices} == {"hj212-2005", "hj212-2017"}


def test_every_inhabited_place_has_an_officer_and_every_district_a_verifier(plan: CityPlan) -> None:
    day = local_date(plan.start)
    for station in plan.register.all(Station, day):
        cell = plan.register.cell_at(station.place, day)
        assert cell is not None
        assert plan.register.officers_of(cell.id, day)
    for cell in plan.register.all(Cell, day):
        if cell.level == 2:
            assert len(plan.register.officers_of(cell.id, day, "verifier")) == 2


def test_the_register_is_the_same_in_rough_mode_and_only_its_weather_is_wrong(plan: CityPlan) -> None:
    rough = plan_city(1, rough=True)
    assert to_json(list(plan.register)) == to_json(list(rough.register))
    assert not np.allclose(plan.weather.wind_from, rough.weather.wind_from)


def reachable(value: object, seen: set[int]) -> set[str]:
    """Modules of every object that can be reached from one."""
    if id(value) in seen or isinstance(value, (str, bytes, int, float, np.ndarray, type(None))):
        return set()
    seen.add(id(value))
    found = {type(value).__module__}
    parts: list[object] = []
    if is_dataclass(value) and not isinstance(value, type):
        parts = [getattr(value, field.name) for field in fields(value)]
    elif isinstance(value, dict):
        parts = [*value.keys(), *value.values()]
    elif isinstance(value, (list, tuple, set, frozenset)):
        parts = list(value)
    elif hasattr(value, "__dict__"):
        parts = list(vars(value).values())
    return found.union(*(reachable(part, seen) for part in parts)) if parts else found


@pytest.mark.parametrize("rough", [False, True])
def test_the_truth_cannot_be_reached_from_the_plan(rough: bool) -> None:
    modules = reachable(plan_city(1, rough=rough), set())
    assert "bihuan.app.city.plan" in modules
    assert not modules & {f"bihuan.app.city.{name}" for name in ("truth", "incidents", "air", "city", "officers")}


def test_only_the_door_of_the_city_is_used_from_outside() -> None:
    holes = []
    for path in sorted(SOURCE.rglob("*.py")):
        if "city" in path.relative_to(SOURCE).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            holes += [f"{path.name}: {name}" for name in names if name.startswith("bihuan.app.city.")]
    assert not holes

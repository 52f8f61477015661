"""Sources for tracing, and whether the facts fit together."""

from datetime import date

from bihuan.core import Place, Ref
from bihuan.register import (
    Cell,
    Device,
    District,
    Duty,
    Enterprise,
    Outlet,
    Person,
    Register,
    WorkSite,
    check,
    sources,
)

DAY = date(2026, 11, 1)
HERE = Place(113.65, 34.75)
OUTLET = Outlet(
    id="E1-DA001",
    name="1号炉",
    enterprise="E1",
    place=HERE,
    district="D1",
    medium="air",
    rates={"so2": 1.5},
    height=45.0,
    diameter=2.0,
    exit_velocity=12.0,
    exit_temperature=400.0,
)
DRAIN = Outlet(id="E1-DW001", name="总排口", enterprise="E1", place=HERE, district="D1", medium="water")
SITE = WorkSite(id="W1", name="工地", place=HERE, district="D1", area=40_000.0, rates={"pm10": 0.4})
ROAD = WorkSite(id="R1", name="某路", place=HERE, district="D1", matter="road", valid_to=DAY)


def test_air_outlets_are_stacks_and_sites_are_areas() -> None:
    stack, area = sources(Register([SITE, DRAIN, OUTLET, ROAD]), DAY)
    assert (stack.ref, stack.shape, stack.kind, stack.side) == (Ref("outlet", "E1-DA001"), "stack", "industry", 0)
    assert (stack.height, stack.diameter, stack.exit_velocity, stack.exit_temperature) == (45, 2, 12, 400)
    assert stack.rates == {"so2": 1.5}
    assert (area.ref, area.shape, area.kind, area.side) == (Ref("worksite", "W1"), "area", "construction", 200)
    assert area.rates == {"pm10": 0.4}


def test_sources_are_those_of_the_day_and_of_the_matters_asked_for() -> None:
    register = Register([SITE, DRAIN, OUTLET, ROAD])
    assert [s.name for s in sources(register, date(2026, 10, 1), "road")] == ["某路"]
    assert [s.name for s in sources(register, DAY, "road", "industry")] == ["1号炉"]
    assert sources(register, DAY, "burning") == ()


def test_a_site_of_unknown_size_is_not_a_point() -> None:
    assert sources(Register([ROAD]), date(2026, 1, 1))[0].side > 0


def test_a_register_that_fits_together_has_no_complaint() -> None:
    ring = ((113.0, 34.0), (114.0, 34.0), (114.0, 35.0), (113.0, 35.0))
    district = District(id="D1", name="区", boundary=(ring,))
    enterprise = Enterprise(id="E1", name="厂", place=HERE, district="D1")
    logger = Device(id="MN1", name="MN1", site="outlet:E1-DA001")
    cell = Cell(id="1", name="区", level=2, district="D1")
    assert check(Register([district, enterprise, OUTLET, DRAIN, SITE, logger, cell]), DAY) == ()


def test_what_names_nothing_or_stands_elsewhere_is_listed() -> None:
    ring = ((110.0, 34.0), (111.0, 34.0), (111.0, 35.0), (110.0, 35.0))
    facts = [
        District(id="D1", name="区", boundary=(ring,)),
        OUTLET,
        Device(id="MN1", name="MN1", site="outlet:none"),
        Device(id="MN2", name="MN2", site=""),
        Duty(id="d", name="施工", matter="construction", lead="住建局", support=("城管局",)),
        Person(id="p", name="网格员", roles=("grid_officer",), cells=("7",)),
        Cell(id="a", name="a", level=3, district="D1", parent="b"),
        Cell(id="b", name="b", level=3, district="D1", parent="a"),
    ]
    found = [(row.reason, row.where) for row in check(Register(facts), DAY)]
    assert found == [
        ("register_level", "cell:a"),
        ("register_loop", "cell:a"),
        ("register_level", "cell:b"),
        ("register_loop", "cell:b"),
        ("register_unknown", "device:MN1"),
        ("register_unknown", "device:MN2"),
        ("register_unknown", "duty:d"),
        ("register_unknown", "duty:d"),
        ("register_unknown", "outlet:E1-DA001"),
        ("register_outside", "outlet:E1-DA001"),
        ("register_unknown", "person:p"),
    ]

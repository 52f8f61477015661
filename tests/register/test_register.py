"""Look-ups of the register on a day."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.core import DutyError, Place, Ref, RegisterError
from bihuan.register import Cell, Device, District, Duty, Person, Register, Rings, Station, Unit

DAY = date(2026, 11, 1)
HERE = Place(113.65, 34.75)


def square(lon: float, lat: float, half: float) -> Rings:
    corners = ((lon - half, lat - half), (lon + half, lat - half), (lon + half, lat + half), (lon - half, lat + half))
    return (corners,)


CELLS = (
    Cell(id="1", name="市", level=1, district="", boundary=square(113.65, 34.75, 0.5)),
    Cell(id="1.2", name="区", level=2, district="D1", parent="1", boundary=square(113.65, 34.75, 0.3)),
    Cell(id="1.2.3", name="街道", level=3, district="D1", parent="1.2", boundary=square(113.65, 34.75, 0.2)),
    Cell(id="1.2.3.4", name="社区", level=4, district="D1", parent="1.2.3", boundary=square(113.65, 34.75, 0.05)),
    Cell(id="1.9", name="无边界", level=4, district="D1", parent="1"),
)


def test_the_finest_cell_answers_and_then_its_parents() -> None:
    register = Register(CELLS)
    found = [register.cell_at(Place(113.65 + off, 34.75), DAY) for off in (0.0, 0.1, 0.25, 0.4, 0.6)]
    assert [cell.id if cell else None for cell in found] == ["1.2.3.4", "1.2.3", "1.2", "1", None]


def test_a_cell_answers_only_on_its_days() -> None:
    old = Cell(id="4", name="旧", level=4, district="D", boundary=square(113.65, 34.75, 0.05), valid_to=DAY)
    new = Cell(id="5", name="新", level=4, district="D", boundary=square(113.65, 34.75, 0.05), valid_from=DAY)
    register = Register([old, new])
    assert register.cell_at(HERE, date(2026, 10, 31)) == old
    assert register.cell_at(HERE, DAY) == new


@given(st.permutations(CELLS))
def test_the_order_of_facts_decides_nothing(cells: list[Cell]) -> None:
    twin = Cell(id="0", name="同边", level=4, district="D1", boundary=square(113.75, 34.75, 0.05))
    edge = Place(113.7, 34.75)
    found = Register([*cells, twin]).cell_at(edge, DAY)
    assert found == twin  # both touch the edge, the first id answers


def test_officers_answer_for_a_cell_or_else_for_its_parents() -> None:
    above = Person(id="p1", name="网格长", roles=("grid_officer",), cells=("1.2",))
    other = Person(id="p2", name="核查", roles=("verifier",), cells=("1.2.3.4",))
    gone = Person(id="p3", name="前任", roles=("grid_officer",), cells=("1.2.3",), valid_to=DAY)
    register = Register([*CELLS, above, other, gone])
    assert register.officers_of("1.2.3.4", DAY) == (above,)
    assert register.officers_of("1.2.3.4", date(2026, 10, 1)) == (gone,)
    assert register.officers_of("1.2.3.4", DAY, "verifier") == (other,)
    assert register.officers_of("1", DAY) == ()
    assert register.officers_of("unknown", DAY) == ()


def test_cells_that_are_each_others_parent_end_the_search() -> None:
    loop = [Cell(id=a, name=a, level=3, district="D", parent=b) for a, b in (("a", "b"), ("b", "a"))]
    assert Register(loop).officers_of("a", DAY) == ()


def test_a_logger_moves_from_site_to_site() -> None:
    first = Device(id="MN1", name="MN1", site="outlet:DA001", valid_to=DAY)
    second = Device(id="MN1", name="MN1", site="outlet:DA002", valid_from=DAY)
    bare = Device(id="MN2", name="MN2", site="")
    register = Register([second, first, bare])
    assert register.site_of("MN1", date(2026, 10, 31)) == Ref("outlet", "DA001")
    assert register.site_of("MN1", DAY) == Ref("outlet", "DA002")
    assert register.site_of("MN2", DAY) is None
    assert register.site_of("MN3", DAY) is None
    assert register.devices_of(Ref("outlet", "DA001"), DAY) == ()
    assert register.devices_of(Ref("outlet", "DA002"), DAY) == (second,)


def test_the_row_of_a_district_beats_the_row_of_the_city() -> None:
    city = Duty(id="d1", name="", matter="construction", lead="住建局")
    local = Duty(id="d2", name="", matter="construction", lead="开发区", district="D1", valid_from=DAY)
    register = Register([local, city])
    assert register.duty("construction", "D1", DAY) == local
    assert register.duty("construction", "D1", date(2026, 1, 1)) == city
    assert register.duty("construction", "D2", DAY) == city
    with pytest.raises(DutyError, match=r"'burning'.*'D2'.*add a row"):
        register.duty("burning", "D2", DAY)


def test_a_place_lies_in_a_district() -> None:
    district = District(id="410102", name="区", boundary=square(113.65, 34.75, 0.1))
    register = Register([district])
    assert register.district_at(HERE, DAY) == district
    assert register.district_at(Place(115, 34.75), DAY) is None


def test_facts_are_found_by_reference_and_place() -> None:
    station = Station(id="1317A", name="郑纺机", kind="national", place=HERE, district="410102")
    district = District(id="410102", name="区", centre=Place(113.6, 34.7))
    register = Register([station, district])
    assert register.resolve(Ref("station", "1317A"), DAY) == station
    assert register.resolve(Ref("case", "1"), DAY) is None
    assert register.place_of(Ref("station", "1317A"), DAY) == HERE
    assert register.place_of(Ref("district", "410102"), DAY) == Place(113.6, 34.7)
    assert register.place_of(Ref("station", "none"), DAY) is None
    assert register.all(Station, DAY) == (station,)
    with pytest.raises(RegisterError, match="'9A' is not in the register on 2026-11-01"):
        register.need(Station, "9A", DAY)


def test_many_days_are_asked_without_growing() -> None:
    register = Register([Unit(id="u", name="u", valid_from=date(2020, 6, 1))])
    held = [len(register.all(Unit, date.fromordinal(date(2020, 1, 1).toordinal() + n))) for n in range(365)]
    assert held.count(1) == 365 - 152
    assert len(register._days) <= 64


def test_spans_that_overlap_or_end_before_they_begin_are_refused() -> None:
    one = Unit(id="u", name="a", valid_to=date(2026, 2, 1))
    with pytest.raises(RegisterError, match="unit u holds twice from 2026-01-01"):
        Register([one, Unit(id="u", name="b", valid_from=date(2026, 1, 1))])
    with pytest.raises(RegisterError, match="must follow"):
        Register([Unit(id="u", name="a", valid_from=DAY, valid_to=DAY)])
    assert len(Register([one, Unit(id="u", name="b", valid_from=date(2026, 2, 1))])) == 2

"""What is written reads back the same, in every form, and merged again changes nothing."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bihuan.core import FormatError, Place
from bihuan.formats import read_register, recognise, write_register
from bihuan.register import KIND_OF, KINDS, Cell, Fact, Person, Register, Unit, canonical
from tests.formats.facts import FACTS, MIXED, of_kind

slow_disk = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
Trip = Callable[[list[Fact], Path], list[Fact]]


def key(fact: Fact) -> tuple[str, str, date]:
    return (KIND_OF[type(fact)], fact.id, fact.valid_from)


def trip(facts: list[Fact], path: Path) -> list[Fact]:
    write_register(facts, path)
    imported = read_register(path)
    assert imported.errors == ()
    assert imported.warnings == ()
    known, _ = Register().merge(facts)
    _, changes = known.merge(imported.facts, told=imported.told)
    assert changes == ()
    return sorted(imported.facts, key=key)


@pytest.mark.parametrize("kind", sorted(FACTS))
@given(data=st.data())
@slow_disk
def test_every_kind_survives_csv(kind: str, tmp_path: Path, data: st.DataObject) -> None:
    facts = data.draw(of_kind(kind))
    assert trip(facts, tmp_path / "csv") == sorted(facts, key=key)
    for left in (tmp_path / "csv").iterdir():
        left.unlink()


@pytest.mark.parametrize("kind", sorted(FACTS))
@given(data=st.data())
@slow_disk
def test_every_kind_survives_geojson(kind: str, tmp_path: Path, data: st.DataObject) -> None:
    facts = data.draw(of_kind(kind))
    assert trip(facts, tmp_path / "facts.geojson") == sorted(facts, key=key)


@given(facts=MIXED)
@settings(slow_disk, max_examples=15)
def test_a_whole_register_survives_a_workbook(facts: list[Fact], tmp_path: Path) -> None:
    assert trip(facts, tmp_path / "facts.xlsx") == sorted(facts, key=key)
    recognised = recognise(tmp_path / "facts.xlsx")
    assert recognised is not None
    assert set(recognised.kinds) >= {KIND_OF[type(fact)] for fact in facts}


def test_every_kind_of_the_register_has_a_table() -> None:
    assert set(FACTS) == set(KINDS)


@pytest.mark.parametrize("form", ["history.xlsx", "history.geojson", "history"])
def test_histories_and_people_of_many_cells_survive(form: str, tmp_path: Path) -> None:
    first, then = date(2024, 1, 1), date(2026, 1, 1)
    facts: list[Fact] = [
        Cell(id="1", name="街道", level=3, district="D", valid_to=then, source="a"),
        Cell(id="1", name="办事处", level=3, district="D", valid_from=then, source="a"),
        Cell(id="1.1", name="社区", level=4, district="D", parent="1", centre=Place(113.6, 34.7), source="a"),
        Cell(id="1.2", name="无人网格", level=4, district="D", parent="1", source="a"),
        Person(id="p1", name="甲岗", roles=("grid_officer",), cells=("1.1",), source="b"),
        Person(id="p2", name="乙岗", roles=("dispatcher", "verifier"), cells=("1.1", "1.2"), source="b"),
        Person(id="p3", name="丙岗", roles=("grid_officer",), cells=("1.1",), source="b"),
        Person(id="p4", name="丁岗", roles=("grid_officer",), cells=("1.1",), valid_to=first, source="b"),
        Person(id="p4", name="丁岗", roles=("grid_officer",), cells=("1.2",), valid_from=first, source="b"),
        Person(id="p5", name="戊岗", roles=("handler",), source="b"),
    ]
    assert trip(facts, tmp_path / form) == sorted(facts, key=key)


@pytest.mark.parametrize("form", ["big.xlsx", "big.geojson", "big"])
def test_a_boundary_of_many_points_survives(form: str, tmp_path: Path) -> None:
    ring = (*((113 + i / 10_000, 34 + (i % 2) / 10) for i in range(5000)), (113.0, 35.0))
    cell = Cell(id="1", name="大", level=1, district="", boundary=canonical((ring,)), source="a")
    assert trip([cell], tmp_path / form) == [cell]


def test_a_file_that_lacks_columns_leaves_those_fields_alone(tmp_path: Path) -> None:
    square = canonical((((113.0, 34.0), (114.0, 34.0), (114.0, 35.0), (113.0, 35.0)),))
    cell = Cell(id="1", name="旧名", level=4, district="D", parent="0", boundary=square)
    officer = Person(id="p", name="某岗", roles=("grid_officer",), cells=("1",), phone="123", unit="u")
    register = Register([cell, officer])
    path = tmp_path / "网格.csv"
    path.write_text("网格编码,网格名称,网格级别,人员编号,姓名,角色\n1,新名,村社区,p,某岗,网格员\n", "utf-8")
    imported = read_register(path)
    assert imported.errors == ()
    after, changes = register.merge(imported.facts, told=imported.told)
    assert [str(change.ref) for change in changes] == ["cell:1"]
    found = after.need(Cell, "1", date(2026, 1, 1))
    assert (found.name, found.parent, found.boundary) == ("新名", "0", square)


def test_one_csv_holds_one_table_and_other_endings_are_refused(tmp_path: Path) -> None:
    two = [Unit(id="u", name="u"), Cell(id="1", name="c", level=1, district="")]
    with pytest.raises(FormatError, match="单位, 网格与人员; give a folder"):
        write_register(two, tmp_path / "all.csv")
    with pytest.raises(FormatError, match=r"written as \.xlsx"):
        write_register(two, tmp_path / "all.docx")
    write_register(two[:1], tmp_path / "单位.csv")
    assert [fact.id for fact in read_register(tmp_path / "单位.csv").facts] == ["u"]
    with pytest.raises(FormatError, match="cannot stand in one cell"):
        write_register([Person(id="p", name="p", roles=("a b",))], tmp_path / "p.csv")


def test_an_export_into_a_used_folder_leaves_nothing_of_the_last_one(tmp_path: Path) -> None:
    write_register([Unit(id="u", name="u"), Cell(id="1", name="c", level=1, district="")], tmp_path)
    (tmp_path / "other.csv").write_text("kept", "utf-8")
    write_register([Unit(id="v", name="v")], tmp_path)
    assert (tmp_path / "other.csv").read_text("utf-8") == "kept"
    (tmp_path / "other.csv").unlink()
    assert [fact.id for fact in read_register(tmp_path).facts] == ["v"]


def test_a_spreadsheet_runs_no_cell_of_a_csv(tmp_path: Path) -> None:
    write_register([Unit(id="=HYPERLINK(1)", name="@SUM(1)", kind="street", source="+1")], tmp_path / "单位.csv")
    cells = (tmp_path / "单位.csv").read_text("utf-8-sig").splitlines()[1].split(",")
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert read_register(tmp_path / "单位.csv").facts[0].name == "@SUM(1)"

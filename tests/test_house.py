"""The rules of the house, read from the source with `ast`."""

import ast
import importlib
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "bihuan"

SCIENCE = {"core", "standards", "register", "physics"}
ROOMS: dict[str, set[str]] = {
    "core": set(),
    "standards": {"core"},
    "register": {"core"},
    "physics": {"core"},
    "formats": {"core", "register"},
    "devices": {"core", "register"},
    "observations": {"core", "standards", "register"},
    "assessment": SCIENCE | {"observations"},
    "emissions": {"core", "standards", "register", "observations"},
    "forecasting": SCIENCE | {"observations", "assessment"},
    "verification": SCIENCE | {"observations", "assessment", "forecasting"},
    "alerts": {"core", "standards", "register", "observations", "assessment", "forecasting"},
    "tracing": SCIENCE | {"observations", "assessment", "emissions"},
    "cases": {"core", "standards", "register"},
    "remedies": SCIENCE | {"emissions"},
    "plans": SCIENCE | {"assessment", "emissions", "verification", "remedies"},
    "store": {"core", "register"},
}
ROOMS["reports"] = set(ROOMS) - {"physics", "formats", "devices", "store"}
ROOMS["app"] = set(ROOMS)
OUTER = {"store", "app"}
FORBIDDEN_BELOW = {"socket", "asyncio", "sqlite3", "duckdb", "sqlalchemy", "httpx", "urllib", "requests", "smtplib"}
CLOCK_CALLS = {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("time", "time"), ("uuid", "uuid4")}


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).parts
        if len(parts) > 1 and parts[0] != "texts":
            yield parts[0], path


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the room they enter"
            yield node.module or ""


def test_every_folder_is_a_room_of_the_plan() -> None:
    assert {room for room, _ in modules()} <= set(ROOMS)


def test_a_room_imports_only_what_its_row_allows() -> None:
    holes = []
    for room, path in modules():
        for name in imports(ast.parse(path.read_text("utf-8"))):
            parts = name.split(".")
            if parts[0] == "bihuan" and len(parts) > 1 and parts[1] not in ROOMS[room] | {room}:
                holes.append(f"{path.relative_to(SOURCE)} imports {name}")
    assert not holes, "\n".join(holes)


def test_another_room_is_entered_only_by_its_door() -> None:
    """From outside a room only `bihuan.room` (or a folder of devices, app) is imported, never its inner files."""
    holes = []
    for room, path in modules():
        for name in imports(ast.parse(path.read_text("utf-8"))):
            parts = name.split(".")
            deep = 3 if len(parts) > 1 and parts[1] in {"devices", "store"} else 2
            if parts[0] == "bihuan" and len(parts) > deep and parts[1] != room and room != "app":
                holes.append(f"{path.relative_to(SOURCE)} imports {name}")
    assert not holes, "\n".join(holes)


def test_no_clock_network_or_database_below_store_and_app() -> None:
    holes = []
    for room, path in modules():
        if room in OUTER:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        holes += [
            f"{path.relative_to(SOURCE)} imports {name}"
            for name in imports(tree)
            if name.split(".")[0] in FORBIDDEN_BELOW
        ]
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
                if (name, node.func.attr) in CLOCK_CALLS:
                    holes.append(f"{path.relative_to(SOURCE)}:{node.lineno} reads {name}.{node.func.attr}")
    assert not holes, "\n".join(holes)


def test_only_the_clock_file_of_the_app_reads_the_clock() -> None:
    holes = []
    for room, path in modules():
        if room not in OUTER or path.name == "clock.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
                if (name, node.func.attr) in CLOCK_CALLS:
                    holes.append(f"{path.relative_to(SOURCE)}:{node.lineno} reads {name}.{node.func.attr}")
    assert not holes, "\n".join(holes)


def test_only_the_city_imports_its_truth() -> None:
    for _, path in modules():
        if "city" in path.relative_to(SOURCE).parts:
            continue
        names = list(imports(ast.parse(path.read_text("utf-8"))))
        assert not [name for name in names if name.startswith("bihuan.app.city.truth")], path


def test_no_file_is_called_utils() -> None:
    assert not [path for _, path in modules() if path.stem in {"utils", "util", "helpers", "misc", "common"}]


@pytest.mark.parametrize("room", sorted({room for room, _ in modules()} - {"app"}))
def test_the_face_of_a_room_is_its_sorted_all(room: str) -> None:
    face = importlib.import_module(f"bihuan.{room}").__all__
    order = sorted(face, key=lambda name: (0 if name.isupper() else 1 if name[0].isupper() else 2, name))
    assert list(face) == order
    assert len(set(face)) == len(face)


def test_both_languages_have_the_same_keys() -> None:
    languages = {
        language: tomllib.loads((SOURCE / "texts" / f"{language}.toml").read_text("utf-8")) for language in ("zh", "en")
    }
    keys = {
        language: {f"{table}.{key}" for table, rows in tables.items() for key in rows}
        for language, tables in languages.items()
    }
    assert keys["zh"] == keys["en"]


def test_no_chinese_user_text_stands_in_code() -> None:
    """Strings that are not docstrings hold no Chinese; the words people read stand in texts/."""
    holes = []
    for room, path in modules():
        if room in {"formats", "devices"} or "city" in path.relative_to(SOURCE).parts:
            continue  # column names of the field's files, and the names of the synthetic city, are data
        tree = ast.parse(path.read_text("utf-8"))
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        holes += [
            f"{path.relative_to(SOURCE)}:{node.lineno} {node.value[:40]!r}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
            if any("\u4e00" <= letter <= "\u9fff" for letter in node.value)
        ]
    assert not holes, "\n".join(holes)

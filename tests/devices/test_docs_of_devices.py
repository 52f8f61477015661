"""Pages of this room that cannot rot: the tests they name exist, the mapping they show is one."""

import ast
import re
from pathlib import Path

from bihuan.devices.csv import layouts
from bihuan.devices.csv.layout import read_layout

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"


def test_every_test_named_in_the_conformance_table_exists() -> None:
    named = re.findall(r"`(test_\w+)`", (DOCS / "hj212.md").read_text("utf-8"))
    tests = {
        node.name
        for path in (*HERE.glob("test_*.py"), *HERE.parent.glob("app/**/test_*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert len(named) > 20
    assert set(named) <= tests


def test_every_row_of_the_conformance_table_has_a_known_state() -> None:
    rows = [line.split("|") for line in (DOCS / "hj212.md").read_text("utf-8").splitlines() if line.startswith("| ")]
    assert {row[3].strip() for row in rows if row[1].strip() != "clause"} == {"done", "partial", "refused"}
    assert len(rows) > 60


def test_the_mapping_shown_can_be_read_and_every_layout_is_named() -> None:
    page = (DOCS / "how-to" / "import-a-feed.md").read_text("utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert read_layout(example, "example").columns["PM10"].unit == "mg/m3"
    assert all(f"`{name}`" in page for name in layouts())

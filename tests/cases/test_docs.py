"""The pages about cases say what the machine and the settings say."""

from pathlib import Path

from bihuan.cases import PublicComplaint, default_settings, machine, open_from_complaint, read_complaints
from bihuan.cases.clocks import Calendar
from bihuan.cases.complaints import _table
from bihuan.core import text
from tests.cases.town import NOON, town

DOCS = Path(__file__).parents[2] / "docs"


def rows() -> list[str]:
    """The table of steps as the explanation prints it."""
    lines = []
    for row in machine().rows:
        name = f"{text(f'step.{row.kind}')} `{row.kind}`" + (f" ({', '.join(row.kinds)})" if row.kinds else "")
        cells = (name, ", ".join(row.origin), row.to or "-", ", ".join(row.roles), ", ".join(row.needs) or "-")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def test_the_explanation_prints_every_row_of_the_machine() -> None:
    page = (DOCS / "explanation" / "cases.md").read_text("utf-8")
    assert [line for line in page.splitlines() if line.startswith("| ") and "`" in line.split("|")[1]] == rows()


def test_the_explanation_prints_every_default_time_limit() -> None:
    page = (DOCS / "explanation" / "cases.md").read_text("utf-8")
    for group, limits in default_settings().limits.items():
        for clock, limit in limits.items():
            amount = f"{limit.days} d" if limit.days else f"{limit.minutes / 60:g} h"
            assert f"- {group} / {clock}: {amount} on {limit.on} ({limit.status})" in page


def test_the_how_to_names_every_column_and_its_example_is_read() -> None:
    page = (DOCS / "how-to" / "complaints.md").read_text("utf-8")
    for names in (names for column, names in _table()["columns"].items() if column != "required"):
        assert names[0] in page
    example = page.split("```csv\n")[1].split("```")[0]
    found = read_complaints(example.encode(), Calendar())
    assert [row.matter for row in found.rows] == ["construction", "burning"]
    assert [odd.where for odd in found.complaints] == ["row 4"]
    assert all(isinstance(row, PublicComplaint) for row in found.rows)
    assert open_from_complaint(found.rows[0], town(), NOON).case.kind == "complaint"

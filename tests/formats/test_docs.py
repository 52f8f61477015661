"""The page of the first day says what the tables really want."""

from pathlib import Path

from bihuan.formats.layouts import sheets

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "first-day.md"


def test_every_sheet_stands_on_the_page_with_its_required_columns() -> None:
    rows = {}
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 3:
            rows[cells[0]] = cells[2]
    for sheet in sheets():
        if not sheet.export_only:
            assert rows[sheet.name] == "、".join(column.zh for _, column in sheet.columns if column.required)

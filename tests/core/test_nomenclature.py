"""The nomenclature page and the code say the same."""

from pathlib import Path

from bihuan.core import LEVELS, ORIGINS, QUALITIES, pollutants

PAGE = (Path(__file__).parents[2] / "docs" / "nomenclature.md").read_text("utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("|")]


def test_every_pollutant_stands_on_the_page_as_in_the_code_list() -> None:
    found = [row for row in ROWS if len(row) == 9 and row[0].startswith("`")]
    assert found == [
        [
            f"`{p.code}`",
            p.zh,
            p.en,
            p.cas or "-",
            p.unit,
            p.outlet_unit,
            " ".join(p.hj212_2017) or "-",
            " ".join(p.hj212_2005) or "-",
            str(p.decimals),
        ]
        for p in pollutants().values()
    ]


def test_every_part_of_a_quality_flag_stands_on_the_page() -> None:
    first = [row[0].strip("`") for row in ROWS if len(row) == 3]
    assert [name for name in first if name in ORIGINS] == list(ORIGINS)
    assert [name for name in first if name in QUALITIES] == list(QUALITIES)
    assert len(LEVELS) == 3
    assert "实时未审核、已审核、扣除沙尘" in PAGE

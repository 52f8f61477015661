"""What is held keeps its form, and every kind of break in the form is found and named."""

from pathlib import Path

import pytest

from bihuan.core import FormatError
from bihuan.standards import Standard, check, index, page, parse, standards

DOCS = Path(__file__).parents[2] / "docs" / "standards"
HEADER = """
code = "XX 1"
number = "{number}"
title_zh = "测试"
title_en = "Test"
medium = "{medium}"
clause = "1"
replaces = [{replaces}]
effective_from = {begin}
{end}
places = [{places}]
unit = {{ default = "ug/m3" }}
averaging = {{ day = "mean" }}
validity = {{ day = "20" }}
rounding = {{ method = "half_even" }}
status = "confirmed"
source = "made for this test"
"""
GROUP = """
[[group]]
table = "{table}"
clause = "1"
status = "{status}"
source = "made for this test"
rows = [ {{ item = "pm25", averaging = "day", {fields} }} ]
"""

EXAMPLE = """
[[example]]
clause = "1"
status = "confirmed"
source = "made for this test"
input = {{ pm25 = 60.5 }}
expected = {{ aqi = 82 }}
""".format()


def edition(number: str = "XX 1-2000", rows: str = "", **header: str) -> Standard:
    values = {"medium": "air", "replaces": "", "begin": "2000-01-01", "end": "", "places": '""'} | header
    return parse(HEADER.format(number=number, **values) + rows, number.lower().replace(" ", "_"))


def group(fields: str, table: str = "limits", status: str = "confirmed") -> str:
    return GROUP.format(table=table, status=status, fields=fields)


def test_everything_held_keeps_its_form() -> None:
    assert check() == ()
    assert len(standards()) >= 13


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (edition(medium="ether"), "none of air"),
        (edition(end="effective_to = 1999-01-01"), "does not follow"),
        (edition(places=""), "whole country"),
        (edition(rows=group("grade1 = 75, grade2 = 35")), "laxer than grade 2"),
        (edition(rows=group('grade1 = 1, grade2 = 2, unit = "mg/m3"')), "differs from 'ug/m3'"),
        (edition(rows=group("grade1 = 1, grade2 = 2", status="certain")), "none of confirmed"),
        (edition(rows=group("iaqi = [0, 50], concentration = [0, 0]", "breakpoints")), "do not ascend"),
        (edition(rows=group("iaqi = [0, 50], concentration = [0]", "breakpoints")), "stand beside"),
        (edition(rows=group("iaqi = [10, 50], concentration = [5, 9]", "breakpoints")), "do not begin at 0"),
        (edition(rows=group("at_least = 30, of = 24", "validity")), "asks for 30 of 24"),
        (edition(rows=group('kind = "max", classes = [1, 2, 3, 5, 4]', "classes")), "do not get laxer"),
        (edition(rows=group('alternatives = [[{ metric = "x", above = 1 }]]', "grades")), "metric, above and hours"),
        (
            edition(rows=group('alternatives = [[{ metric = "x", above = 1, hours = 1 }]]', "grades")),
            "cannot be meant",
        ),
        (edition(rows=group("grade1 = 1, grade2 = 2, effective_from = 1999-01-01")), "on which the edition does not"),
        (edition(rows=group("grade1 = 1, grade2 = 2") * 2), "overlaps"),
        (edition(rows=EXAMPLE.replace("confirmed", "sure")), "'sure' is none of confirmed"),
    ],
)
def test_a_break_in_one_edition_is_found(broken: Standard, words: str) -> None:
    findings = check([broken])
    assert any(words in str(finding) for finding in findings), findings


def test_levels_must_follow_each_other() -> None:
    row = '{{ item = "{}", aqi_from = {}, aqi_to = {} }},'
    rows = GROUP.replace('[ {{ item = "pm25", averaging = "day", {fields} }} ]', "[" + "{fields}" + "]").format(
        table="levels", status="confirmed", fields=row.format("good", 0, 50) + row.format("bad", 52, 100)
    )
    assert any("the level below ends at 50" in str(finding) for finding in check([edition(rows=rows)]))


def test_editions_that_overlap_or_leave_a_gap_are_found() -> None:
    first = edition("XX 1-2000", end="effective_to = 2010-01-01")
    late = edition("XX 1-2011", begin="2011-01-01", replaces='"XX 1-2000"')
    early = edition("XX 1-2009", begin="2009-01-01")
    assert any("nothing holds from 2010-01-01 to 2011-01-01" in str(one) for one in check([first, late]))
    assert any("its successor begins on 2011-01-01" in str(one) for one in check([first, late]))
    assert any("overlaps" in str(one) for one in check([first, early]))
    assert check([first, edition("XX 1-2010", begin="2010-01-01", replaces='"XX 1-2000"')]) == ()


def test_a_gap_between_two_local_editions_is_filled_by_a_national_one() -> None:
    local = [
        edition("XX 1-2000", places='"41"', end="effective_to = 2005-01-01"),
        edition("XX 1-2010", places='"41"', begin="2010-01-01"),
    ]
    national = edition("XX 1-2004", begin="2004-01-01", end="effective_to = 2012-01-01")
    assert any("nothing holds" in str(one) for one in check(local))
    assert check([*local, national]) == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("number = ", "no TOML"),
        ('number = "XX"', "code must be given as str"),
        (HEADER.format(number="X", medium="air", replaces="", begin='"2000"', end="", places='""'), "effective_from"),
        (
            HEADER.format(
                number="X", medium="air", replaces="", begin="2000-01-01", end='effective_to = "x"', places=""
            ),
            "effective_to must be a day",
        ),
        (
            HEADER.format(number="X", medium="air", replaces="", begin="2000-01-01", end="", places="")
            + '[[group]]\ntable = "limits"\nrows = [{ item = "pm25" }]',
            "lacks clause, status, source",
        ),
    ],
)
def test_a_table_that_cannot_be_read_says_why(text: str, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        parse(text, "made_up")


def test_every_standard_has_its_page_and_no_page_is_stale() -> None:
    assert {path.stem for path in DOCS.glob("*.md")} == {standard.id for standard in standards()} | {"README"}
    assert (DOCS / "README.md").read_text("utf-8") == index(), "python -m bihuan.standards docs/standards"
    for standard in standards():
        assert (DOCS / f"{standard.id}.md").read_text("utf-8") == page(standard), standard.id


def test_an_example_names_its_input_result_and_source() -> None:
    assert edition(rows=EXAMPLE).examples[0].id == "xx_1-2000#example.1"
    with pytest.raises(FormatError, match="example 1 lacks or does not know expected"):
        edition(rows=EXAMPLE.replace("expected =", "result ="))


def test_a_page_shows_the_rows_and_worked_examples() -> None:
    words = page(edition(rows=group("grade1 = 35, grade2 = 75") + EXAMPLE), "en")
    assert "| pm25 | day | 35 | 75 |" in words
    assert "| pm25: 60.5 | aqi: 82 | 1 | confirmed | made for this test |" in words


def test_a_page_is_readable_in_english_too() -> None:
    one = page(next(standard for standard in standards() if standard.id == "gb_3095_2026"), "en")
    assert one.startswith("# GB 3095-2026 Ambient air quality standards")
    assert "2031-01-01 to now" in one

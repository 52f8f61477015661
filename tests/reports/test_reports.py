"""Bulletins from hand-made hours: what is printed is what the assessment says, and nothing else is."""

import io
import re
from datetime import date

import polars as pl
import pytest
from docx import Document
from docx.oxml.ns import qn
from docx.shared import Mm

from bihuan.assessment import daily_aqi, remaining_control_value, section_verdict
from bihuan.core import Language, Place, local_day, text
from bihuan.register import Person, Section
from bihuan.reports import Content, Cover, Table, compose, docx, html
from tests.cases.town import event, suspects, town
from tests.reports.material import DAY, empty, known

COVER = Cover(issuer="合成市生态环境局", year=2019, number=7, prepared="甲", checked="乙", signed="丙", dated=DAY)


def table(content: Content, place: int, section: int = 1) -> Table:
    return content.sections[section - 1].tables[place]


def test_the_six_items_are_those_of_the_assessment_with_the_year_before_beside_them() -> None:
    content = compose(known())
    rows = {row[0]: row for row in table(content, 0).rows}
    assert rows["PM2.5"] == ("PM2.5", "μg/m³", "100", "132", "75", "125", "-20.0%")
    assert rows["CO"][2:4] == ("1.2", "30")
    judged = daily_aqi(known().days).filter(pl.col("start") == pl.col("start").max()).row(0, named=True)
    assert (judged["aqi"], judged["iaqi_pm25"]) == (132, 132)  # (100 - 75) / (115 - 75) * 50 + 100, 131.25 rounded up
    assert "132" in content.sections[0].sentences[0]


def test_the_highest_hour_is_named() -> None:
    rows = {row[0]: row for row in table(compose(known()), 1).rows}
    assert rows["PM2.5"][2:] == ("110", "03:00-04:00")


def test_the_law_of_the_day_is_cited_not_todays() -> None:
    notes = " ".join(compose(known()).sections[0].notes)
    assert "GB 3095-2012" in notes
    assert "HJ 633-2012" in notes
    assert "2026" not in notes


def test_month_so_far_stands_beside_the_same_days_of_the_year_before() -> None:
    rows = {row[0]: row for row in table(compose(known()), 0, 2).rows}
    assert rows["PM2.5"][2:] == ("100", "125", "-20.0%", "6")


def test_the_remaining_control_value_is_the_assessments_and_its_formula_is_printed() -> None:
    content = compose(known(targets={"pm25": 60.0}))
    inside = known().days.filter(pl.col("start").dt.year() == 2019)
    (one,) = remaining_control_value(inside, "pm25", 60.0, first=date(2019, 1, 1), last=date(2019, 12, 31), through=DAY)
    assert one.value is not None
    assert table(content, 2, 2).rows[0][-1] == f"{one.value:.1f}"
    assert text("report.formula_remaining") in content.sections[1].notes


def test_sections_name_their_items_beyond_class_three_and_the_shares_have_their_denominator() -> None:
    values = [{"nh3n": 1.2, "do": 4.9}, {"nh3n": 0.4, "do": 8.0}, {"tp": 0.5}]
    verdicts = tuple(
        section_verdict(
            Section(id=f"X{number}", name=f"断面{number}", place=Place(113.6, 34.7), district="D1", river="河"),
            local_day(DAY),
            found,
        )
        for number, found in enumerate(values)
    )
    for language, names, share in (
        ("zh", "氨氮 (0.20)、溶解氧", "Ⅰ~Ⅲ类断面 1 个,占 33.3%;劣Ⅴ类断面 1 个,占 33.3%(以当日有类别的 3 个断面计)。"),
        ("en", "ammonia nitrogen (0.20), dissolved oxygen", "Class I to III: 1 sections, 33.3%"),
    ):
        content = compose(known(water=verdicts), language)  # type: ignore[arg-type]
        found = next(one for one in content.sections if one.title == text("report.section_water", language))  # type: ignore[arg-type]
        beyond = [row[4] for row in found.tables[0].rows]
        assert beyond[:2] == [names, "—"]
        assert beyond[2].endswith(" (1.50)")
        assert any(sentence.startswith(share) for sentence in found.sentences)


def test_without_a_target_neither_gap_nor_control_value_is_printed() -> None:
    content = compose(known())
    assert text("report.no_target") in content.sections[1].sentences
    assert {row[-1] for row in table(content, 1, 2).rows} == {"—"}


def test_the_city_is_ranked_among_the_stored_cities() -> None:
    rows = table(compose(known()), 0, 3).rows
    assert [(row[0], row[1]) for row in rows] == [("1", "A"), ("2", "410100"), ("3", "B")]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_empty_home_gives_ten_sections_without_a_single_figure(language: Language) -> None:
    content = compose(empty(), language)
    assert len(content.sections) == 10
    assert all(section.empty and not section.notes for section in content.sections)
    page = html(content, Cover()).decode()
    assert page.count(f"<p>{text('report.no_data', language)}</p>") == 10
    printed = re.sub(r"<[^>]+>", " ", page[page.index("<h2") : page.index("<footer")])
    assert not re.findall(r"\d", re.sub(r"(?m)^\s*\d+\. ", "", printed))
    assert "<img" not in page


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_html_refers_to_nothing_outside_itself(language: Language) -> None:
    page = html(compose(known(), language), COVER).decode()
    assert not re.findall(r"https?:|//[a-z]|<script|<link|url\(|@import", re.sub(r"base64,[^\"]+", "", page))
    assert all(alt.strip() for alt in re.findall(r'<img alt="([^"]*)"', page))
    assert page.count("<figure>") == len(re.findall("data:image/png", page)) > 0
    assert page.count('scope="col"') > 10


def test_the_last_section_asks_the_duty_table_who_answers_for_an_alarm_without_a_case() -> None:
    rise = event(open=True)
    content = compose(known(register=town(), events=(rise,), suspects=(suspects(rise),), names={"housing": "住建局"}))
    (row,) = table(content, 0, 10).rows
    assert row[1:3] == (text("report.not_dispatched"), text("report.by_duty", lead="住建局"))
    assert row[3] == town().get(Person, "officer", DAY).name


def test_what_people_typed_is_escaped() -> None:
    page = html(compose(known()), Cover(advice="<script>alert(1)</script>", issuer="<b>")).decode()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_document_has_headings_tables_with_header_rows_and_described_figures() -> None:
    content = compose(known())
    file = Document(io.BytesIO(docx(content, COVER)))
    headings = [one.text for one in file.paragraphs if one.style is not None and one.style.name == "Heading 1"]
    assert headings == [
        text(f"report.heading_{place}", title=section.title) for place, section in enumerate(content.sections, 1)
    ]
    tables = [one for section in content.sections for one in section.tables]
    assert [tuple(cell.text for cell in found.rows[0].cells) for found in file.tables] == [one.head for one in tables]
    for found in file.tables:
        assert found.rows[0]._tr.trPr is not None
        assert found.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    figures = [figure for section in content.sections for figure in section.figures]
    described = [shape._inline.docPr.get("descr") for shape in file.inline_shapes]
    assert described == [figure.alt for figure in figures]
    assert figures


def test_the_page_is_that_of_gb_t_9704() -> None:
    page = Document(io.BytesIO(docx(compose(known()), COVER))).sections[0]
    sizes = (page.page_width, page.page_height, page.top_margin, page.left_margin)
    assert [round(Mm(1) and size / Mm(1)) for size in sizes if size is not None] == [210, 297, 37, 28]
    width = page.page_width - page.left_margin - page.right_margin  # type: ignore[operator]
    height = page.page_height - page.top_margin - page.bottom_margin  # type: ignore[operator]
    assert (round(width / Mm(1)), round(height / Mm(1))) == (156, 225)


def test_number_signatures_and_correction_are_printed_in_both_forms() -> None:
    cover = Cover(year=2019, number=8, prepared="甲", checked="乙", signed="丙", corrects="2019-7", reason="PM10 有误")
    page = html(compose(known()), cover).decode()
    words = "\n".join(one.text for one in Document(io.BytesIO(docx(compose(known()), cover))).paragraphs)
    for said in ("〔2019〕第8期", "甲", "乙", "丙", "2019-7", "PM10 有误"):
        assert said in page
        assert said in words
    assert text("report.draft_stamp") not in page


def test_the_same_content_gives_the_same_page() -> None:
    assert html(compose(known()), COVER) == html(compose(known()), COVER)

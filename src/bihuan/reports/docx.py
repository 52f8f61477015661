"""A bulletin as DOCX with the page of GB/T 9704-2012 (5.1, 5.2): A4, top 37 mm, left 28 mm, type area 156 x 225 mm.

Typefaces are named, never embedded: 方正小标宋简体, 仿宋_GB2312 and 黑体 as the standard wants them; a machine without
them shows its own fallback.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from docx import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from bihuan.core import CHINA
from bihuan.reports.material import word
from bihuan.reports.model import Content, Cover, Figure, Section, Table
from bihuan.reports.words import frame, heading

RED = RGBColor(0xC0, 0, 0)
CENTRE, RIGHT = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.RIGHT
WIDTH = 156
"""Type area. [mm]"""


TOGETHER = 12
"""A table of so many rows is not parted between pages."""


class _Writer:
    """One document under way."""

    def __init__(self, content: Content, cover: Cover, zone: ZoneInfo) -> None:
        self.content, self.cover, self.zone = content, cover, zone
        self.tongue = content.language
        self.faces = {name: word(f"face_{name}", self.tongue) for name in ("title", "body", "heading")}
        self.file: Any = Document()
        self.tables = self.figures = 0

    def say(self, key: str, **values: object) -> str:
        return word(key, self.tongue, **values)

    def bytes(self) -> bytes:
        self._page()
        self._head()
        last = len(self.content.sections)
        for place, section in enumerate(self.content.sections, start=1):
            self._section(place, section, place == last)
        self._foot()
        out = io.BytesIO()
        self.file.save(out)
        return out.getvalue()

    def _page(self) -> None:
        page = self.file.sections[0]
        page.page_width, page.page_height = Mm(210), Mm(297)
        page.top_margin, page.left_margin = Mm(37), Mm(28)
        page.right_margin, page.bottom_margin = Mm(26), Mm(35)
        page.footer_distance = Mm(22)
        self._styles()
        self._page_number(page.footer.paragraphs[0])
        if self.content.banner:
            self._banner(page)
        core = self.file.core_properties
        named = frame(self.content, self.cover, self.zone)
        core.title, core.author, core.language = f"{named.title} {named.day}", named.issuer, self.tongue
        core.created = core.modified = self.content.as_of or datetime(2000, 1, 1, tzinfo=UTC)

    def _banner(self, page: Any) -> None:
        page.header_distance = Mm(20)
        head = page.header.paragraphs[0]
        head.alignment = CENTRE
        run = head.add_run(self.content.banner)
        run.font.size, run.font.color.rgb = Pt(10.5), RED
        run.font.name = "Times New Roman"
        run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), self.faces["heading"])

    def _styles(self) -> None:
        normal = self.file.styles["Normal"]
        normal.font.size = Pt(14)
        self._face(normal, "body")
        normal.paragraph_format.space_after = Pt(2)
        normal.paragraph_format.line_spacing = 1.25
        for name, size, face in (("Title", 22, "title"), ("Heading 1", 15, "heading"), ("Caption", 10.5, "heading")):
            style = self.file.styles[name]
            style.font.size, style.font.color.rgb = Pt(size), RGBColor(0, 0, 0)
            style.font.bold = style.font.italic = False
            self._face(style, face)
        self.file.styles["Heading 1"].paragraph_format.space_before = Pt(12)
        self.file.styles["Heading 1"].paragraph_format.space_after = Pt(4)
        borders = self.file.styles["Title"].element.find(f"{qn('w:pPr')}/{qn('w:pBdr')}")
        if borders is not None:
            borders.getparent().remove(borders)

    def _face(self, style: Any, face: str) -> None:
        latin = "Times New Roman"
        style.font.name = latin
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for name in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
            fonts.attrib.pop(qn(name), None)
        fonts.set(qn("w:eastAsia"), self.faces[face])

    def _page_number(self, paragraph: Any) -> None:
        paragraph.alignment = CENTRE
        paragraph.add_run("— ")
        for kind, code in (("begin", ""), ("", "PAGE"), ("end", "")):
            run = paragraph.add_run()
            part = OxmlElement("w:fldChar" if kind else "w:instrText")
            if kind:
                part.set(qn("w:fldCharType"), kind)
            else:
                part.text = code
            run._r.append(part)
        paragraph.add_run(" —")

    def _line(self, text: str, *, indent: bool = False, align: Any = None, size: float = 0, face: str = "") -> Any:
        paragraph = self.file.add_paragraph()
        run = paragraph.add_run(text)
        if size:
            run.font.size = Pt(size)
        if face:
            run.font.name = "Times New Roman"
            run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), self.faces[face])
        if align is not None:
            paragraph.alignment = align
        if indent and self.tongue == "zh":
            paragraph.paragraph_format.first_line_indent = Pt(28)
        return paragraph

    def _head(self) -> None:
        named = frame(self.content, self.cover, self.zone)
        issuer = self._line(named.issuer, align=CENTRE, size=26 if self.tongue == "zh" else 22, face="title")
        issuer.runs[0].font.color.rgb, issuer.runs[0].bold = RED, True
        line = self._line(f"{named.number}\t{named.dated}")
        line.paragraph_format.tab_stops.add_tab_stop(Mm(WIDTH), 2)
        _rule(line, "C00000")
        line.paragraph_format.space_after = Pt(18)
        title = self.file.add_paragraph(named.title, style="Title")
        title.alignment = CENTRE
        self._line(f"{named.day}  {named.as_of}", align=CENTRE, size=12)
        if named.draft:
            self._line(self.say("draft_stamp"), align=CENTRE, size=12, face="heading").runs[0].font.color.rgb = RED
        if named.correction:
            self._line(named.correction, align=CENTRE, size=12, face="heading")

    def _section(self, place: int, section: Section, last: bool) -> None:
        self.file.add_paragraph(heading(place, section.title, self.tongue), style="Heading 1")
        advice = [line for line in self.cover.advice.splitlines() if line.strip()] if last else []
        if section.empty and not advice:
            self._line(self.say("no_data"), indent=True)
        for sentence in section.sentences:
            self._line(sentence, indent=True)
        for table in section.tables:
            self._table(table)
        for figure in section.figures:
            self._figure(figure)
        for line in [self.say("advice_by_person"), *advice] if advice else []:
            self._line(line, indent=True)
        for note in section.notes:
            self._line(self.say("note_mark") + note, size=9).paragraph_format.line_spacing = 1.1

    def _table(self, table: Table) -> None:
        self.tables += 1
        caption = self.file.add_paragraph(
            self.say("table_caption", number=self.tables, title=table.title), style="Caption"
        )
        caption.alignment, caption.paragraph_format.keep_with_next = CENTRE, True
        caption.paragraph_format.space_before = Pt(6)
        made = self.file.add_table(1 + len(table.rows), len(table.head), style="Table Grid")
        made.alignment = WD_TABLE_ALIGNMENT.CENTER
        made.autofit = False
        widths = _widths(table)
        for place, width in enumerate(widths):
            made.columns[place].width = Mm(width)
        for number, cells in enumerate((table.head, *table.rows)):
            row = made.rows[number]
            _mark_row(row, header=number == 0)
            for place, text in enumerate(cells):
                cell = row.cells[place]
                cell.width = Mm(widths[place])
                paragraph = cell.paragraphs[0]
                run = paragraph.add_run(text)
                run.font.size = Pt(9.5)
                paragraph.paragraph_format.line_spacing, paragraph.paragraph_format.space_after = 1.05, Pt(0)
                paragraph.paragraph_format.keep_with_next = number < len(table.rows) <= TOGETHER
                paragraph.alignment = CENTRE if len(text) < 14 and place else None
                if number == 0:
                    run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), self.faces["heading"])
        if table.note:
            self._line(table.note, size=9)

    def _figure(self, figure: Figure) -> None:
        self.figures += 1
        paragraph = self.file.add_paragraph()
        paragraph.alignment, paragraph.paragraph_format.keep_with_next = CENTRE, True
        paragraph.paragraph_format.space_before = Pt(8)
        shape = paragraph.add_run().add_picture(io.BytesIO(figure.png), width=Mm(148))
        shape._inline.docPr.set("descr", figure.alt)
        shape._inline.docPr.set("title", figure.title)
        caption = self.file.add_paragraph(
            self.say("figure_caption", number=self.figures, title=figure.title), style="Caption"
        )
        caption.alignment = CENTRE

    def _foot(self) -> None:
        named = frame(self.content, self.cover, self.zone)
        line = self._line(
            "\t".join(self.say(name, name=getattr(named, name)) for name in ("prepared", "checked", "signed")), size=12
        )
        line.paragraph_format.space_before = Pt(22)
        for place in (52, 104):
            line.paragraph_format.tab_stops.add_tab_stop(Mm(place))
        for text in (named.issuer, named.dated):
            end = self._line(text, align=RIGHT)
            end.paragraph_format.right_indent = Pt(28)
        copies = self._line(self.say("copies", names=named.copies), size=12)
        copies.paragraph_format.space_before = Pt(14)
        _rule(copies, "000000", top=True)


def _widths(table: Table) -> list[float]:
    """Share the type area by the longest text of each column, within reason. [mm]"""
    columns = list(zip(table.head, *table.rows, strict=True))
    longest = [max(sum(1 + (letter > "\u2e80") for letter in text) for text in cells) for cells in columns]
    wants = [min(max(letters, 6), 28) + 4 for letters in longest]  # four letters are the margins of a cell
    return [WIDTH * want / sum(wants) for want in wants]


def _mark_row(row: Any, header: bool) -> None:
    properties = row._tr.get_or_add_trPr()
    names = ("w:cantSplit", "w:tblHeader") if header else ("w:cantSplit",)
    for name in names:
        properties.append(OxmlElement(name))


def _rule(paragraph: Any, colour: str, top: bool = False) -> None:
    borders = OxmlElement("w:pBdr")
    for side in ("w:top", "w:bottom") if top else ("w:bottom",):
        line = OxmlElement(side)
        for name, value in (("val", "single"), ("sz", "8" if top else "18"), ("space", "4"), ("color", colour)):
            line.set(qn(f"w:{name}"), value)
        borders.append(line)
    properties = paragraph._p.get_or_add_pPr()
    properties.insert_element_before(
        borders, "w:shd", "w:tabs", "w:suppressAutoHyphens", "w:spacing", "w:ind", "w:jc", "w:rPr"
    )


def docx(content: Content, cover: Cover, *, zone: ZoneInfo = CHINA) -> bytes:
    """Return the file."""
    return _Writer(content, cover, zone).bytes()

"""The workbook that a clerk fills in: read it tolerantly, write it so that it explains itself."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from bihuan.core import FormatError, Language
from bihuan.formats.layouts import Column, Kind, Sheet, guide, kinds, sheet_of, sheets

MOST_BYTES = 1 << 30
"""Unpacked size beyond which a workbook is refused: it is no register, or it is a bomb."""

_ROWS_WITH_LISTS = 5000
"""How far down drop-down lists reach in a sheet."""

_INK, _REQUIRED, _OPTIONAL, _EXAMPLE = "1F3B4D", "1F6F78", "CFE3E2", "F3F1EA"
_LINE = Side(style="thin", color="C9D3D6")
_FONT = "微软雅黑"
_LISTS = "选项"
_STYLES = {"text": "bihuan_text", "date": "bihuan_date", "number": "bihuan_number"}
_FORMATS = {"code": "@", "codes": "@", "text": "@", "date": "yyyy-mm-dd", "lon": "0.000000", "lat": "0.000000"}
_WIDTHS = {"text": 20, "code": 18, "codes": 22, "limits": 42, "amounts": 26, "pairs": 24, "points": 60, "date": 13}


def read_sheets(data: bytes, name: str) -> list[tuple[str, list[Sequence[Any]]]]:
    """Return every sheet with its rows; formulas as the values last computed.

    Raises
    ------
    FormatError
        If the file is torn, protected, or far too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            size = sum(part.file_size for part in parts.infolist())
        if size > MOST_BYTES:
            raise FormatError(f"{name} unpacks to {size >> 20} MB, more than {MOST_BYTES >> 20}: split it")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl tells of every extension that it drops
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            found: list[tuple[str, list[Sequence[Any]]]] = []
            for sheet in book.worksheets:
                sheet.reset_dimensions()  # some programs write a size of one cell  # type: ignore[union-attr]
                found.append((sheet.title, [*sheet.iter_rows(values_only=True)]))
            book.close()
    except FormatError:
        raise
    except Exception as problem:  # openpyxl raises whatever its parts raise on a torn file
        raise FormatError(f"{name} cannot be opened as XLSX ({problem}): save it again from a spreadsheet") from None
    return found


def written(tables: Sequence[tuple[Sheet, Sequence[Sequence[Any]]]]) -> bytes:
    """Return a workbook of filled sheets, laid out as the templates are."""
    book = _book()
    _options(book)  # made first so that every list finds it, shown to nobody
    for sheet, rows in tables:
        page = _page(book, sheet)
        for index, row in enumerate(rows, 1):
            _put(page, index + 1, [index, *row])
        _lists(page, sheet, {one.name for one, _ in tables}, first=2)
    book.active = 1 if tables else 0
    return _saved(book)


def template(language: Language = "zh") -> bytes:
    """Return the empty workbook: a cover, every sheet with lists and one example row, and the hidden lists."""
    book = _book()
    book.properties.title = guide(language).title
    filled = [sheet for sheet in sheets() if not sheet.export_only]
    _cover(book, filled, language)
    for sheet in filled:
        page = _page(book, sheet, language)
        _put(page, 2, [guide(language).example, *(_example(column, language) for _, column in sheet.columns)])
        for cell in page[2]:
            cell.fill = PatternFill("solid", fgColor=_EXAMPLE)
            cell.font = Font(name=_FONT, size=10, italic=True, color="8A8371")
        _lists(page, sheet, {one.name for one in filled}, 3, language)
    _options(book, language)
    return _saved(book)


def _book() -> Workbook:
    book = Workbook()
    if book.active is not None:
        book.remove(book.active)
    for (
        kind,
        name,
    ) in _STYLES.items():  # named once: a style of its own for every cell makes a workbook ten times slower
        number_format = _FORMATS.get(kind, "General")
        style = NamedStyle(name, Font(name=_FONT, size=10), number_format=number_format)
        style.border, style.alignment = Border(bottom=_LINE), Alignment(vertical="center")
        book.add_named_style(style)
    book.properties.creator = "Bihuan"
    book.properties.title = guide().title
    return book


def _saved(book: Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _example(column: Column, language: Language) -> Any:
    shown = column.shown(language)
    return date.fromisoformat(shown) if column.type == "date" and shown else shown


def _page(book: Workbook, sheet: Sheet, language: Language = "zh") -> Worksheet:
    """Make a sheet with its header: dark where a cell must be filled, light where it may be."""
    page: Worksheet = book.create_sheet(sheet.title(language))
    page.sheet_view.showGridLines = False
    page.freeze_panes = "D2"
    page.row_dimensions[1].height = 34
    page.column_dimensions["A"].width = 7
    _head(page.cell(1, 1, guide(language).number), required=False)
    for place, (kind, column) in enumerate(sheet.columns, 2):
        letter = get_column_letter(place)
        page.column_dimensions[letter].width = max(_WIDTHS.get(column.type, 12), 2.2 * len(column.header) + 2)
        if language == "en":
            page.column_dimensions[letter].width = max(_WIDTHS.get(column.type, 12), 1.2 * len(column.en) + 4)
        page.column_dimensions[letter].number_format = _FORMATS.get(column.type, "General")
        cell = page.cell(1, place, column.headed(language))
        _head(cell, column.required)
        note = Comment(_explained(kind, column, language), "Bihuan", width=300, height=130)
        cell.comment = note
    page.auto_filter.ref = f"A1:{get_column_letter(len(sheet.columns) + 1)}1"
    page.page_setup.orientation = "landscape"
    page.page_setup.fitToHeight = 0
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    page.print_title_rows = "1:1"
    return page


def _head(cell: Cell, required: bool) -> None:
    cell.font = Font(name=_FONT, size=10, bold=True, color="FFFFFF" if required else _INK)
    cell.fill = PatternFill("solid", fgColor=_REQUIRED if required else _OPTIONAL)
    cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
    cell.border = Border(bottom=_LINE, right=_LINE)


def _explained(kind: Kind, column: Column, language: Language) -> str:
    """Return the note of a header: what, whether, which words, an example."""
    colours = guide(language).colours
    lines = [f"{column.zh}  {column.en}", colours[0] if column.required else colours[1], column.note]
    if column.values and len(column.values) <= 12:
        words = (f"{code} = {word}" for code, word in column.values.items())
        lines.append("、".join(column.values.values()) if language == "zh" else ", ".join(words))
    if column.example is not None:
        lines.append(f"{'例:' if language == 'zh' else 'e.g. '}{column.shown(language)}")
    return "\n".join(line for line in lines if line)


def _put(page: Worksheet, number: int, row: Sequence[Any]) -> None:
    for place, given in enumerate(row, 1):
        cell = page.cell(number, place)
        # a spreadsheet keeps 15 digits of a number, but all of a text
        value = repr(given) if isinstance(given, float) and float(f"{given:.15g}") != given else given
        if isinstance(value, str):
            cell.value = ILLEGAL_CHARACTERS_RE.sub("", value)
            cell.data_type = "s"  # text that begins with = is text, never a formula
        else:
            cell.value = value
        cell.style = _STYLES["date" if isinstance(value, date) else "text" if isinstance(value, str) else "number"]


def _lists(page: Worksheet, sheet: Sheet, there: set[str], first: int, language: Language = "zh") -> None:
    """Give drop-down lists to columns of fixed words, and of names that stand on another sheet of the workbook.

    `first` is the row where the names begin, below header and example.
    """
    for place, (_, column) in enumerate(sheet.columns, 2):
        source = _list_of(column, there, first, language)
        if not source:
            continue
        rule = DataValidation(type="list", formula1=source, allow_blank=True)
        rule.showErrorMessage = not (column.of or column.open or column.type == "choices")
        rule.errorTitle = column.zh if language == "zh" else column.en
        rule.error = "、".join(column.listed(language))[:250]
        letter = get_column_letter(place)
        rule.add(f"{letter}2:{letter}{_ROWS_WITH_LISTS}")
        page.add_data_validation(rule)


def _list_of(column: Column, there: set[str], first: int, language: Language) -> str:
    if column.type == "yesno":
        return '"是,否"' if language == "zh" else '"yes,no"'
    if column.values:
        listed = column.listed(language)
        words = ",".join(listed)
        return f'"{words}"' if len(words) <= 200 else f"='{_LISTS}'!{_list_ranges(language)[listed]}"
    if column.of and column.type == "code" and sheet_of(column.of).name in there:
        home = sheet_of(column.of)
        keys = [(kind.name, one.key) for kind, one in home.columns]
        letter = get_column_letter(keys.index((column.of, "name")) + 2)
        return f"='{home.title(language)}'!${letter}${first}:${letter}$2000"
    return ""


def _list_ranges(language: Language) -> Mapping[tuple[str, ...], str]:
    """Return where on the hidden sheet each long list of words stands."""
    long = {column.listed(language) for kind in kinds().values() for column in kind.columns if column.values}
    found = {}
    for place, words in enumerate(sorted(words for words in long if len(",".join(words)) > 200), 1):
        letter = get_column_letter(place)
        found[words] = f"${letter}$1:${letter}${len(words)}"
    return found


def _options(book: Workbook, language: Language = "zh") -> None:
    """Put the lists that are too long for a rule of their own on a hidden sheet."""
    page = book.create_sheet(_LISTS)
    for place, words in enumerate(_list_ranges(language), 1):
        for row, word in enumerate(words, 1):
            page.cell(row, place, word)
    page.sheet_state = "hidden"


def _cover(book: Workbook, filled: Sequence[Sheet], language: Language) -> None:
    words = guide(language)
    page = book.create_sheet("说明" if language == "zh" else "说明 Guide")
    page.sheet_view.showGridLines = False
    for letter, width in {"A": 3, "B": 22, "C": 64, "D": 58}.items():
        page.column_dimensions[letter].width = width
    page["B2"] = words.title
    page["B2"].font = Font(name=_FONT, size=20, bold=True, color=_INK)
    page["B3"] = words.subtitle
    page["B3"].font = Font(name=_FONT, size=11, color=_REQUIRED)
    row = 5
    for line in words.lines:
        page.cell(row, 2, "•  " + line).font = Font(name=_FONT, size=10, color=_INK)
        row += 1
    fills = (_REQUIRED, _OPTIONAL, _EXAMPLE)
    for place, (label, colour) in enumerate(zip(words.colours, fills, strict=True)):
        cell = page.cell(row + 1, 2 + place, label)
        cell.fill = PatternFill("solid", fgColor=colour)
        cell.font = Font(name=_FONT, size=10, color="FFFFFF" if colour == _REQUIRED else _INK)
        cell.alignment = Alignment(horizontal="center")
    row += 3
    for place, label in enumerate(words.columns, 2):
        _head(page.cell(row, place, label), required=True)
    for sheet in filled:
        row += 1
        named = [column.zh if language == "zh" else column.en for _, column in sheet.columns if column.required]
        required = ("、" if language == "zh" else ", ").join(named)
        use = sheet.use if language == "zh" else sheet.use_en
        for place, value in enumerate((sheet.title(language), use, required), 2):
            cell = page.cell(row, place, value)
            cell.font = Font(name=_FONT, size=10, color=_INK)
            cell.alignment = Alignment(vertical="top", wrap_text=True)
            cell.border = Border(bottom=_LINE)
        page.cell(row, 2).hyperlink = Hyperlink(ref=f"B{row}", location=f"'{sheet.title(language)}'!B3")
        page.cell(row, 2).font = Font(name=_FONT, size=10, underline="single", color=_REQUIRED)

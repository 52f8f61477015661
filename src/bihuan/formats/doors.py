"""The register's doors: any of its files in, any of them out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from bihuan.core import FormatError, InputError, Language
from bihuan.formats import csv_table, geojson, xlsx
from bihuan.formats.facts_of import Crs, Imported, to_facts
from bihuan.formats.faults import RowFault
from bihuan.formats.headers import find_header
from bihuan.formats.layouts import Sheet, guide, sheets
from bihuan.formats.rows_of import sheet_rows
from bihuan.formats.tables import Harvest, read_table
from bihuan.register import KINDS, Fact

Form = Literal["csv", "xlsx", "geojson"]

_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_COVERS = frozenset({"说明", "说明 Guide", "选项"})


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a file is: its form and the kinds of facts it holds."""

    form: Form
    kinds: tuple[str, ...]


def recognise(source: Path | str | bytes, name: str = "") -> Recognised | None:
    """Say which tables of the register a file holds, by its headers; None when it is something else.

    Parameters
    ----------
    source : Path, str or bytes
        A file, or what it holds.
    name : str
        File name where bytes are given.
    """
    data, name = _bytes(source, name)
    try:
        form = _form(data, name)
        if form == "geojson":
            features = geojson.features_of(csv_table.decoded(data, name), name)
            found = [geojson.properties_of(feature) for feature in features[:100]]
            names = [one.get("fact") or geojson.kind_of(one) for one in found]
        else:
            names = []
            for title, rows in _tables(data, name, form, head=True):
                header = find_header(rows, title)
                names += [kind.name for kind in header.kinds] if header else []
    except FormatError:
        return None
    there = tuple(kind for kind in KINDS if kind in names)
    return Recognised(form, there) if there else None


def read_register(
    source: Path | str | bytes,
    name: str = "",
    *,
    kind: str | None = None,
    crs: Crs = "CGCS2000",
    known: Iterable[Fact] = (),
) -> Imported:
    """Read facts of the register from a CSV, XLSX or GeoJSON file, or from a folder of CSV files.

    Rows that are wrong are left out and listed; the others stand. Facts that name no source get `name`.

    Parameters
    ----------
    source : Path, str or bytes
        A file, a folder, or what a file holds.
    name : str, optional
        File name where bytes are given; of the source by default.
    kind : str, optional
        Kind of fact (``station``, ``cell`` ...) where the header leaves it open.
    crs : str
        ``CGCS2000``, ``WGS84`` or ``GCJ02``: of coordinates whose row names none. GCJ-02 is converted and marked.
    known : iterable of Fact, optional
        Facts already in the register: their names may stand where the file should give their codes.

    Returns
    -------
    Imported
        `facts` and `told` go to `Register.merge`; `errors` and `warnings` to the clerk.

    Raises
    ------
    FormatError
        If nothing of the file is a table of the register.
    InputError
        If `kind` or `crs` is not one of those above.
    """
    if kind is not None and kind not in KINDS:
        raise InputError(f"kind {kind!r} is not one of {', '.join(KINDS)}")
    if crs not in get_args(Crs):
        raise InputError(f"datum {crs!r} is not one of {', '.join(get_args(Crs))}")
    harvest = Harvest()
    read = 0
    for data, part in _parts(source, name):
        read += _read_one(data, part, harvest, kind, crs)
    if not read:
        raise FormatError(
            f"{name or source!s:.80} holds no table of the register: "
            f"its header must be one of {', '.join(sheet.name for sheet in sheets())}; write_templates makes them"
        )
    return to_facts(harvest, name or (Path(source).name if not isinstance(source, bytes) else ""), crs, known)


def write_register(facts: Iterable[Fact], path: Path | str) -> None:
    """Write facts (or a `Register`) as ``.xlsx``, ``.geojson`` or ``.csv``, or as CSV files into a folder.

    Parameters
    ----------
    facts : iterable of Fact
    path : Path or str
        The ending tells the form; a path without ending is a folder, made when it is not there.

    Raises
    ------
    FormatError
        If the ending is another, or a single CSV would have to hold several sheets.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending in (".geojson", ".json"):
        _replace(path, geojson.written(facts))
        return
    tables = sheet_rows(facts)
    if ending == ".xlsx":
        _replace(path, xlsx.written(tables))
    elif ending == ".csv":
        if len(tables) > 1:
            names = ", ".join(sheet.name for sheet, _ in tables)
            raise FormatError(f"{path.name}: a CSV holds one table, these are {names}; give a folder or .xlsx")
        _replace(path, _csv(*tables[0]) if tables else b"")
    elif not ending:
        path.mkdir(parents=True, exist_ok=True)
        filled = {sheet.name: rows for sheet, rows in tables}
        for sheet in sheets():
            page = path / f"{sheet.name}.csv"
            if sheet.name in filled or page.exists():  # a table of an earlier export must not come back
                _replace(page, _csv(sheet, filled.get(sheet.name, [])))
    else:
        raise FormatError(f"{path.name}: the register is written as .xlsx, .geojson, .csv or into a folder")


def write_templates(path: Path | str, language: Language = "zh") -> None:
    """Write the empty workbook that a county fills in: lists, notes and one example row a sheet.

    In English the Chinese headers stay below the English ones, lists hold codes, and both read alike.
    """
    _replace(Path(path), xlsx.template(language))


def _replace(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: a full disk leaves the one that was there."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)


def _csv(sheet: Sheet, rows: Sequence[Sequence[Any]]) -> bytes:
    header = [guide().number, *(column.header for _, column in sheet.columns)]
    return csv_table.written(header, [[number, *row] for number, row in enumerate(rows, 1)])


def _read_one(data: bytes, name: str, harvest: Harvest, kind: str | None, crs: Crs) -> int:
    """Read one file; return how many tables of it were ours."""
    form = _form(data, name)
    if form == "geojson":
        geojson.read(csv_table.decoded(data, name), name, harvest, kind, crs)
        return 1
    read = 0
    for title, rows in _tables(data, name, form):
        header = find_header(rows, title, kind)
        if header is not None:
            read += 1
            read_table(header, rows[header.row + 1 :], title, harvest)
        elif rows and title not in _COVERS:
            first = next((str(cell) for cell in rows[0] if cell is not None), "")
            known = "、".join(sheet.name for sheet in sheets())
            harvest.faults.append(RowFault(title, 0, "", first[:40], "unknown_sheet", known, "warning"))
    return read


def _tables(data: bytes, name: str, form: Form, head: bool = False) -> list[tuple[str, list[Sequence[Any]]]]:
    if form == "xlsx":
        return xlsx.read_sheets(data, name)
    text = csv_table.decoded(data, name)
    if head:
        text = "\n".join(text[:65536].splitlines()[:10])
    return [(Path(name).stem, list(csv_table.read_rows(text)))]


def _parts(source: Path | str | bytes, name: str) -> list[tuple[bytes, str]]:
    if not isinstance(source, bytes) and Path(source).is_dir():
        return [(path.read_bytes(), path.name) for path in sorted(Path(source).glob("*.csv"))]
    return [_bytes(source, name)]


def _bytes(source: Path | str | bytes, name: str) -> tuple[bytes, str]:
    if isinstance(source, bytes):
        return source, name
    path = Path(source)
    try:
        return path.read_bytes(), name or path.name
    except OSError as problem:
        raise InputError(f"{path.name} cannot be read: {problem.strerror}") from None


def _form(data: bytes, name: str) -> Form:
    if data[:4] == _OLD_EXCEL:
        raise FormatError(f"{name} is an old .xls or a protected workbook: save it as .xlsx without a password")
    if data[:2] == b"PK":
        return "xlsx"
    return "geojson" if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{" else "csv"

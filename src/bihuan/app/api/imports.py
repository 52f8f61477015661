"""Files through the pages: an upload becomes a job with progress, and every row that could not be taken is listed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Response, UploadFile
from pydantic import BaseModel, Field

from bihuan.app.access import FIELDS, HIDDEN, Session, hide_contacts
from bihuan.app.api.beside import beside_of
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.api.tables import as_csv
from bihuan.app.api.uploads import keep_upload, upload_name
from bihuan.app.importing import import_files
from bihuan.app.jobs import Job
from bihuan.app.opened import lent
from bihuan.app.receipts import Fault, Report
from bihuan.core import Language, text, to_json
from bihuan.formats import kinds, write_templates
from bihuan.store import Entry

router = APIRouter(prefix="/api", tags=["imports"], responses=PROBLEMS)  # type: ignore[arg-type]

Importer = Annotated[Session, needs("import.run")]

COLUMNS = ("file", "sheet", "row", "column", "value", "allowed", "words")
SHOWN = 500
"""Rows with a fault that an answer lists; all of them stand in the CSV."""


class FaultLine(BaseModel):
    """One thing that is wrong in a file."""

    severity: str = Field(description="error: left out; warning, note: taken all the same")
    sheet: str
    row: int | None
    column: str
    value: str
    allowed: str
    words: str


class ImportLine(BaseModel):
    """What became of one file."""

    file: str
    kind: str
    read: int
    new: int
    revised: int
    unchanged: int
    failed: str
    words: str
    errors: int
    notes: int
    faults: list[FaultLine]


class JobView(BaseModel):
    """A job as it stands."""

    id: str
    kind: str
    title: str
    made: datetime
    state: str
    share: float
    words: str
    problem: str
    files: list[ImportLine]


@router.post("/imports", status_code=202)
def start_import(file: UploadFile, office: TheOffice, session: Importer, language: TheLanguage) -> JobView:
    """Take a file in and begin to import it; how far it is stands under its job."""
    name = upload_name(file.filename or "")
    office.store.home.uploads.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=office.store.home.uploads))
    try:
        size = keep_upload(file, folder / name, office.settings.whole("upload_mib") << 20)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    roles = session.may("account.edit")
    body = to_json({"file": name, "bytes": size})
    office.store.ledger.add(Entry(office.now, session.person.id, "import", "", body))
    job = office.jobs.start("import", session.person.id, name, office.now, _work(office, folder / name, roles))
    return _view(job, language)


@router.get("/jobs")
def job_list(office: TheOffice, session: Importer, language: TheLanguage) -> list[JobView]:
    """List the jobs since the server's start, the latest first."""
    return [_view(job, language) for job in office.jobs.all() if job.kind == "import"]


@router.get("/jobs/{ident}")
def one_job(ident: str, office: TheOffice, session: Importer, language: TheLanguage) -> JobView:
    """Tell how far a job is and what came of it."""
    return _view(_job(office, ident), language)


@router.get("/jobs/{ident}/faults.csv", response_class=Response)
def job_faults(ident: str, office: TheOffice, session: Importer, language: TheLanguage) -> Response:
    """Give every row with a fault as a table that no spreadsheet takes for formulas."""
    header = [text(f"imports.{name}", language) for name in COLUMNS]
    rows = [
        (report.file, fault.sheet, fault.row, fault.column, _value(fault), fault.allowed, _words(fault, language))
        for report in _reports(_job(office, ident))
        for fault in (*report.errors, *report.complaints)
    ]
    return as_csv("faults.csv", header, rows)


@router.get("/templates.xlsx", response_class=Response)
def template_workbook(
    session: Importer, spoken: TheLanguage, language: Annotated[Language | None, Query()] = None
) -> Response:
    """Give the empty workbook of the register, in the language asked for or in that of the page."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "templates.xlsx"
        write_templates(path, language or spoken)
        body = path.read_bytes()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    headers = {"Content-Disposition": 'attachment; filename="bihuan-templates.xlsx"'}
    return Response(body, media_type=kind, headers=headers)


def _work(office: Office, path: Path, roles: bool) -> Callable[[Callable[[float], None]], list[Report]]:
    def work(tell: Callable[[float], None]) -> list[Report]:
        try:
            with lent(office.store):
                home, beside = office.store.home.path, beside_of(office)
                reports = import_files(home, [path], clock=office.clock, beside=beside, tell=tell, roles=roles)
        finally:
            shutil.rmtree(path.parent, ignore_errors=True)
        hidden = str(path)
        return [replace(one, file=path.name, failed=one.failed.replace(hidden, path.name)) for one in reports]

    return work


def _job(office: Office, ident: str) -> Job:
    job = office.jobs.get(ident)
    if job is None or job.kind != "import":
        raise Refused(404, "no_job", f"no job {ident!r}: jobs do not outlive a restart; import the file again")
    return job


def _reports(job: Job) -> list[Report]:
    return list(job.result or ())


def _view(job: Job, language: Language) -> JobView:
    return JobView(
        id=job.id,
        kind=job.kind,
        title=job.title,
        made=job.made,
        state=job.state,
        share=job.share,
        words=text(f"imports.state_{job.state}", language),
        problem=job.problem,
        files=[_file(report, language) for report in _reports(job)],
    )


def _file(report: Report, language: Language) -> ImportLine:
    faults = (*report.errors, *report.complaints)
    return ImportLine(
        file=report.file,
        kind=report.kind,
        read=report.read,
        new=report.new,
        revised=report.revised,
        unchanged=report.unchanged,
        failed=hide_contacts(report.failed),
        words=hide_contacts(report.words(language).partition("\n")[0]),
        errors=len(report.errors),
        notes=len(report.complaints),
        faults=[_fault(fault, language) for fault in faults[:SHOWN]],
    )


def _fault(fault: Fault, language: Language) -> FaultLine:
    return FaultLine(
        severity=fault.severity,
        sheet=fault.sheet,
        row=fault.row,
        column=fault.column,
        value=_value(fault),
        allowed=fault.allowed,
        words=_words(fault, language),
    )


def _value(fault: Fault) -> str:
    """What stood in the cell; a telephone, a password and the like is in the file of whoever sent it, not here."""
    return HIDDEN if fault.value and fault.column in _sensitive() else hide_contacts(fault.value)


def _words(fault: Fault, language: Language) -> str:
    said = fault.words(language)
    if fault.value and fault.column in _sensitive():
        said = said.replace(fault.value, HIDDEN)
    return hide_contacts(said)


@cache
def _sensitive() -> frozenset[str]:
    """Headers of columns whose field is sensitive."""
    hidden = {pair for pair, how in FIELDS.items() if how.level == "sensitive"}
    return frozenset(
        column.zh for name, kind in kinds().items() for column in kind.columns if (name, column.key) in hidden
    )

"""A file judged through the pages: the upload becomes a job, its verdicts stand beside the rows that were refused."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response, UploadFile
from pydantic import BaseModel, Field

from bihuan.app.access import Session
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.explanations import ExplanationView
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.api.tables import as_csv
from bihuan.app.api.uploads import keep_upload, upload_name
from bihuan.app.filed import FILED, Findings, column_words, filed, judge_file
from bihuan.app.jobs import Job
from bihuan.app.law import city_switches
from bihuan.core import InputError, Language, plain, text

router = APIRouter(prefix="/api", tags=["assess"], responses=PROBLEMS)  # type: ignore[arg-type]

Assessor = Annotated[Session, needs("assess.run")]

KIND = "assess"
SHOWN = 200
"""Verdicts and refused rows in one answer."""

HELD = 6
"""Files whose verdicts are kept; of older ones only the counts remain."""


class ColumnHead(BaseModel):
    """One column of the table of verdicts."""

    name: str
    words: str
    number: bool


class FileVerdict(BaseModel):
    """One verdict: what people see of it, and the row itself, to be explained."""

    cells: list[str]
    status: str
    row: dict[str, Any]


class RefusedLine(BaseModel):
    """One thing that is wrong with a row."""

    row: int
    column: str
    value: str
    words: str


class FileVerdicts(BaseModel):
    """What came of a file."""

    counts: dict[str, int]
    editions: dict[str, int]
    columns: list[ColumnHead]
    verdicts: list[FileVerdict] = Field(description=f"{SHOWN} from `first` on")
    refused: list[RefusedLine] = Field(description=f"the first {SHOWN}")
    first: int


class AssessJob(BaseModel):
    """A file that is being judged."""

    id: str
    medium: str
    title: str
    made: datetime
    state: str
    words: str
    problem: str
    on: date | None
    place: str
    result: FileVerdicts | None = Field(description="null until it is done, and again when its verdicts were let go")


class AskedRow(BaseModel):
    """One row of the verdicts, to be explained."""

    medium: str
    row: dict[str, Any]


@router.get("/assess")
def media(session: Assessor) -> list[str]:
    """Tell which media can be judged from a file."""
    return list(FILED)


@router.post("/assess/explain")
def explain_row(asked: AskedRow, office: TheOffice, session: Assessor, language: TheLanguage) -> ExplanationView:
    """Tell why one row of verdicts says what it says."""
    how = filed(asked.medium)
    try:
        found = how.explain(asked.row)
        return ExplanationView.of(found, language, office.zone)
    except (TypeError, ValueError, KeyError, AttributeError, ArithmeticError, AssertionError) as problem:
        told = f"no row of verdicts of {asked.medium}: {type(problem).__name__}; give a row as the verdicts hold it"
        raise Refused(422, "no_verdict", told, ["row"]) from None


@router.post("/assess/{medium}", status_code=202)
def start_assess(
    medium: str,
    file: UploadFile,
    office: TheOffice,
    session: Assessor,
    language: TheLanguage,
    on: date | None = None,
    place: Annotated[str, Query(max_length=12)] = "",
    allow: Annotated[list[str] | None, Query()] = None,
) -> AssessJob:
    """Take a file in and begin to judge it; nothing of it is stored."""
    filed(medium)
    name = upload_name(file.filename or "")
    folder = Path(tempfile.mkdtemp(prefix="upload-", dir=office.store.home.path))
    try:
        size = keep_upload(file, folder / name, office.settings.whole("upload_mib") << 20)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    asked = _Asked(medium, on, place)
    office.audit(session, "assess", body={"medium": medium, "file": name, "bytes": size})
    switched_on = city_switches(office.store, office.today)
    work = _work(office, folder / name, asked, switched_on | frozenset(allow or ()))
    job = office.jobs.start(KIND, session.person.id, name, office.now, work)
    job.result = asked  # what was asked for is told while it waits, too
    _let_go(office)
    return _view(job, language, 0)


@router.get("/assess/jobs")
def assess_jobs(office: TheOffice, session: Assessor, language: TheLanguage) -> list[AssessJob]:
    """List the files that this person had judged since the server's start, the latest first, without their verdicts."""
    mine = [job for job in office.jobs.all() if job.kind == KIND and job.by == session.person.id]
    return [_view(job, language, None) for job in mine]


@router.get("/assess/jobs/{ident}")
def one_assess_job(
    ident: str,
    office: TheOffice,
    session: Assessor,
    language: TheLanguage,
    first: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> AssessJob:
    """Tell how far a file is, and its verdicts from one row on."""
    return _view(_job(office, session, ident), language, first)


@router.get("/assess/jobs/{ident}/verdicts.{kind}", response_class=Response)
def verdicts_file(
    ident: str, kind: Literal["csv", "parquet"], office: TheOffice, session: Assessor, language: TheLanguage
) -> Response:
    """Give every verdict as a file: CSV for spreadsheets, or Parquet as `bihuan assess --out` writes it."""
    found = _findings(_job(office, session, ident))
    verdicts = found.judged.verdicts
    if kind == "csv":
        heads = [column_words(name, language) for name in verdicts.columns]
        return as_csv("verdicts.csv", heads, (plain(list(row)) for row in verdicts.iter_rows()))
    body = io.BytesIO()
    verdicts.select(filed(found.medium).out or verdicts.columns).write_parquet(body)
    headers = {"Content-Disposition": 'attachment; filename="verdicts.parquet"'}
    return Response(body.getvalue(), media_type="application/vnd.apache.parquet", headers=headers)


@router.get("/assess/jobs/{ident}/refused.csv", response_class=Response)
def refused_file(ident: str, office: TheOffice, session: Assessor, language: TheLanguage) -> Response:
    """Give every row that was refused as a table."""
    found = _findings(_job(office, session, ident))
    heads = [column_words(name, language) for name in ("row", "column", "value", "reason")]
    lines = [(one.row, one.column, one.value, one.words) for one in _refused(found, language, None)]
    return as_csv("refused.csv", heads, lines)


class _Asked:
    """How a file is to be judged, and what came of it."""

    def __init__(self, medium: str, on: date | None, place: str) -> None:
        self.medium, self.on, self.place = medium, on, place
        self.found: Findings | None = None


def _work(
    office: Office, path: Path, asked: _Asked, allow: frozenset[str]
) -> Callable[[Callable[[float], None]], _Asked]:
    def work(tell: Callable[[float], None]) -> _Asked:
        try:
            zone = office.zone
            asked.found = judge_file(path, asked.medium, on=asked.on, place=asked.place, allow=allow, zone=zone)
        except InputError as problem:
            raise InputError(str(problem).replace(str(path), path.name)) from None
        finally:
            shutil.rmtree(path.parent, ignore_errors=True)
        return asked

    return work


def _let_go(office: Office) -> None:
    """Free the verdicts of all but the latest files; their counts went with the answers."""
    done = [job for job in office.jobs.all() if job.kind == KIND and isinstance(job.result, _Asked)]
    for job in done[HELD:]:
        job.result.found = None


def _job(office: Office, session: Session, ident: str) -> Job:
    job = office.jobs.get(ident)
    if job is None or job.kind != KIND or job.by != session.person.id:
        raise Refused(404, "no_job", f"no job {ident!r}: jobs do not outlive a restart; send the file again")
    return job


def _findings(job: Job) -> Findings:
    if not isinstance(job.result, _Asked) or job.result.found is None:
        raise Refused(409, "no_verdicts", f"job {job.id} has no verdicts: it is {job.state}; send the file again")
    return job.result.found


def _view(job: Job, language: Language, first: int | None) -> AssessJob:
    asked = job.result if isinstance(job.result, _Asked) else None
    found = asked.found if asked else None
    return AssessJob(
        id=job.id,
        medium=asked.medium if asked else "",
        title=job.title,
        made=job.made,
        state=job.state,
        words=text(f"imports.state_{job.state}", language),
        problem=job.problem,
        on=asked.on if asked else None,
        place=asked.place if asked else "",
        result=None if found is None or first is None else _verdicts(found, language, first),
    )


def _verdicts(found: Findings, language: Language, first: int) -> FileVerdicts:
    verdicts = found.judged.verdicts
    shown = found.shown
    heads = [
        ColumnHead(name=name, words=found.head(name, language), number=verdicts.schema[name].is_numeric())
        for name in shown
    ]
    lines = [
        FileVerdict(
            cells=[found.cell(name, row[name], language) for name in shown], status=row["status"], row=plain(row)
        )
        for row in verdicts.slice(first, SHOWN).iter_rows(named=True)
    ]
    refused = _refused(found, language, SHOWN)
    return FileVerdicts(
        counts=found.counts, editions=found.editions, columns=heads, verdicts=lines, refused=refused, first=first
    )


def _refused(found: Findings, language: Language, most: int | None) -> list[RefusedLine]:
    rows = found.judged.refused if most is None else found.judged.refused.head(most)
    return [
        RefusedLine(
            row=row["row"], column=row["column"], value=row["value"], words=text(f"refused.{row['reason']}", language)
        )
        for row in rows.iter_rows(named=True)
    ]

"""Receptor model (源解析) over the interface: two files become a job, its figures and its tables; nothing is stored."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response, UploadFile
from pydantic import BaseModel, Field

from bihuan.app.access import Session
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.api.uploads import keep_upload, upload_name
from bihuan.app.jobs import Job
from bihuan.core import InputError, Language, text, to_json

router = APIRouter(prefix="/api/receptor", tags=["receptor model"], responses=PROBLEMS)  # type: ignore[arg-type]

Runner = Annotated[Session, needs("receptor.run")]

KIND = "receptor"
HELD = 5
"""Results kept in memory; of older ones the job alone stays."""

Missing = Literal["ignore", "drop", "median"]
SpeciesNames = Annotated[list[Annotated[str, Field(max_length=64)]] | None, Query(max_length=100)]


class ReceptorJob(BaseModel):
    """A pair of files that is being factorised."""

    id: str
    title: str
    made: datetime
    state: str
    words: str
    problem: str
    factors: int
    held: bool = Field(description="whether its result is still in memory")
    tables: list[str] = Field(description="names of its CSV tables")


class _Made:
    """What was asked for, and what came of it."""

    def __init__(self, factors: int) -> None:
        self.factors = factors
        self.figures = b""
        self.tables: dict[str, bytes] = {}

    def let_go(self) -> None:
        self.figures, self.tables = b"", {}


@router.post("", status_code=202)
def start_receptor(
    concentration: UploadFile,
    uncertainty: UploadFile,
    office: TheOffice,
    session: Runner,
    language: TheLanguage,
    factors: Annotated[int, Query(ge=1, le=12)],
    seeds: Annotated[int, Query(ge=1, le=50)] = 20,
    bootstrap: Annotated[int, Query(ge=0, le=200)] = 0,
    robust: bool = False,
    missing: Missing = "ignore",
    total: Annotated[str, Query(max_length=64)] = "",
    weak: SpeciesNames = None,
    bad: SpeciesNames = None,
) -> ReceptorJob:
    """Take concentrations (V) and uncertainties (U) in and begin to factorise them."""
    folder = Path(tempfile.mkdtemp(prefix="upload-", dir=office.store.home.path))
    names = upload_name(concentration.filename or ""), upload_name(uncertainty.filename or "")
    paths = folder / "v" / names[0], folder / "u" / names[1]
    limit = office.settings.whole("upload_mib") << 20
    try:
        size = 0
        for file, path in zip((concentration, uncertainty), paths, strict=True):
            path.parent.mkdir()
            size += keep_upload(file, path, limit)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    body = {"files": [path.name for path in paths], "bytes": size, "factors": factors, "seeds": seeds}
    office.audit(session, "receptor", body=body)
    made = _Made(factors)
    how = _How(factors, seeds, bootstrap, robust, missing, total, tuple(weak or ()), tuple(bad or ()))
    job = office.jobs.start(
        KIND, session.person.id, f"{paths[0].name} × {factors}", office.now, _work(office, paths, how, made)
    )
    job.result = made  # what was asked for is told while it waits, too
    _let_go(office)
    return _view(job, language)


@router.get("/jobs")
def receptor_jobs(office: TheOffice, session: Runner, language: TheLanguage) -> list[ReceptorJob]:
    """List what this person had factorised since the server's start, the latest first."""
    return [_view(job, language) for job in office.jobs.all() if job.kind == KIND and job.by == session.person.id]


@router.get("/jobs/{ident}")
def one_receptor_job(ident: str, office: TheOffice, session: Runner, language: TheLanguage) -> ReceptorJob:
    """Tell how far a job is."""
    return _view(_job(office, session, ident), language)


@router.get("/jobs/{ident}/result", response_class=Response)
def receptor_result(ident: str, office: TheOffice, session: Runner) -> Response:
    """Return the figures of a job: fit, profiles, contributions, likeness, bootstrap, and what may not be concluded."""
    return Response(_made(_job(office, session, ident)).figures, media_type="application/json")


@router.get("/jobs/{ident}/tables/{name}", response_class=Response)
def receptor_table(ident: str, name: str, office: TheOffice, session: Runner) -> Response:
    """Return one table of a job as CSV."""
    tables = _made(_job(office, session, ident)).tables
    if name not in tables:
        raise Refused(404, "no_table", f"no table {name!r}; there are {', '.join(tables)}", ["name"])
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(tables[name], media_type="text/csv; charset=utf-8", headers=headers)


@dataclass(frozen=True, slots=True)
class _How:
    """How the files are to be read and solved."""

    factors: int
    seeds: int
    bootstrap: int
    robust: bool
    missing: Missing
    total: str
    weak: tuple[str, ...]
    bad: tuple[str, ...]


def _work(
    office: Office, paths: tuple[Path, Path], how: _How, made: _Made
) -> Callable[[Callable[[float], None]], _Made]:
    def work(tell: Callable[[float], None]) -> _Made:
        # a server starts without these libraries
        from bihuan.app.receptor import Reading, Wanted, run_receptor  # noqa: PLC0415
        from bihuan.app.receptor_answer import outcome_figures  # noqa: PLC0415
        from bihuan.app.receptor_files import tables_of  # noqa: PLC0415

        try:
            reading = Reading(
                *paths, zone=office.zone, weak=how.weak, bad=how.bad, missing=how.missing, total=how.total or None
            )
            wanted = Wanted(factors=how.factors, seeds=how.seeds, robust=how.robust, bootstrap=how.bootstrap)
            found = run_receptor(reading, wanted)
            tell(0.8)
            made.tables = tables_of(found, office.zone)
            made.figures = to_json(outcome_figures(found))
        except InputError as problem:
            said = str(problem)
            for path in paths:
                said = said.replace(str(path), path.name)
            raise InputError(said) from None
        finally:
            shutil.rmtree(paths[0].parent.parent, ignore_errors=True)
        return made

    return work


def _let_go(office: Office) -> None:
    """Free the results of all but the latest jobs."""
    done = [job for job in office.jobs.all() if job.kind == KIND and job.state in ("done", "failed")]
    for job in done[HELD:]:
        if isinstance(job.result, _Made):
            job.result.let_go()


def _job(office: Office, session: Session, ident: str) -> Job:
    job = office.jobs.get(ident)
    if job is None or job.kind != KIND or job.by != session.person.id:
        raise Refused(404, "no_receptor_job", f"no job {ident!r}: jobs do not outlive a restart; send the files again")
    return job


def _made(job: Job) -> _Made:
    if not isinstance(job.result, _Made) or not job.result.figures:
        raise Refused(409, "no_receptor_result", f"job {job.id} has no result: it is {job.state}; send the files again")
    return job.result


def _view(job: Job, language: Language) -> ReceptorJob:
    made = job.result if isinstance(job.result, _Made) else None
    return ReceptorJob(
        id=job.id,
        title=job.title,
        made=job.made,
        state=job.state,
        words=text(f"imports.state_{job.state}", language),
        problem=job.problem,
        factors=made.factors if made else 0,
        held=bool(made and made.figures),
        tables=sorted(made.tables) if made else [],
    )

"""Errors as answers: each names a code for programs, and what was wrong, where, what is allowed, what to do."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from bihuan.core import (
    BihuanError,
    CaseChanged,
    DiskFull,
    InputError,
    NotCovered,
    RegisterError,
    RightRefused,
    StepRefused,
    WarningRefused,
)


class Problem(BaseModel):
    """What an answer of 400 and above says.

    `code` is for programs and the texts of the face (``[problem]``), `detail` for people.
    """

    code: str
    detail: str
    where: list[str] = []


class Refused(Exception):
    """A request that is answered with a problem."""

    def __init__(self, status: int, code: str, detail: str, where: list[str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.problem = status, Problem(code=code, detail=detail, where=where or [])


STATUS: tuple[tuple[type[BihuanError], int, str], ...] = (
    (CaseChanged, 409, "case_changed"),
    (StepRefused, 409, "step_refused"),
    (RightRefused, 403, "no_right"),
    (WarningRefused, 409, "warning_refused"),
    (NotCovered, 404, "not_covered"),
    (InputError, 422, "input"),
    (RegisterError, 422, "register"),
    (DiskFull, 507, "disk_full"),
    (BihuanError, 500, "internal"),
)
"""Error -> answer; the first that fits."""

PROBLEMS = {status: {"model": Problem} for status in (400, 401, 403, 404, 409, 413, 422)}
"""For ``responses`` of a router."""


def install_errors(app: FastAPI) -> None:
    """Let every error be answered as a `Problem`."""

    @app.exception_handler(Refused)
    def refused(request: Request, problem: Refused) -> JSONResponse:
        return JSONResponse(problem.problem.model_dump(), problem.status)

    @app.exception_handler(BihuanError)
    def ours(request: Request, problem: BihuanError) -> JSONResponse:
        status, code = next((status, code) for kind, status, code in STATUS if isinstance(problem, kind))
        return JSONResponse(Problem(code=code, detail=str(problem)).model_dump(), status)

    @app.exception_handler(RequestValidationError)
    def malformed(request: Request, problem: RequestValidationError) -> JSONResponse:
        where = [".".join(str(part) for part in error["loc"]) for error in problem.errors()]
        told = "; ".join(f"{at}: {error['msg']}" for at, error in zip(where, problem.errors(), strict=True))
        return JSONResponse(Problem(code="malformed", detail=told, where=where).model_dump(), 422)

    @app.exception_handler(OverflowError)
    def beyond(request: Request, problem: OverflowError) -> JSONResponse:
        told = f"an instant or a number lies beyond what can be reckoned with: {problem}"
        return JSONResponse(Problem(code="malformed", detail=told).model_dump(), 422)

    @app.exception_handler(HTTPException)
    def http(request: Request, problem: HTTPException) -> JSONResponse:
        code = {404: "not_found", 405: "method"}.get(problem.status_code, "http")
        body = Problem(code=code, detail=f"{request.method} {request.url.path}: {problem.detail}")
        return JSONResponse(body.model_dump(), problem.status_code, headers=problem.headers)

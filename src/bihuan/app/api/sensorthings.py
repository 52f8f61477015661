"""OGC SensorThings 1.1 under ``/sta/v1.1``: everything that may be seen, and observations in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response

from bihuan.app.access import Session, area_of
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.sta import Answerer, Catalog, Posted, StaError, posted, read_options
from bihuan.core import Language, to_json

router = APIRouter(prefix="/sta/v1.1", tags=["sensorthings"])

Reader = Annotated[Session, needs("site.read")]
Sender = Annotated[Session, needs("device.send")]

JSON = "application/json"


async def body_of(request: Request) -> bytes:
    """Read the body as it was sent: it is journalled so."""
    return await request.body()


Sent = Annotated[bytes, Depends(body_of)]


@router.get("", response_class=Response)
def sta_index(request: Request, office: TheOffice, session: Reader, language: TheLanguage) -> Response:
    """Name the collections of the service and what it conforms to."""
    return _answered(lambda: _answerer(request, office, session, language).index())


@router.get("/{path:path}", response_class=Response)
def sta_read(path: str, request: Request, office: TheOffice, session: Reader, language: TheLanguage) -> Response:
    """Answer a path: a collection, an entity, what it leads to, a property."""

    def answer() -> Any:
        answerer = _answerer(request, office, session, language)
        given = dict(request.query_params)
        return answerer.get(path, replace(read_options(given), given=tuple(given.items())))

    return _answered(answer)


@router.post("/CreateObservations", status_code=201, response_class=Response)
def sta_create(request: Request, office: TheOffice, session: Sender, language: TheLanguage, raw: Sent) -> Response:
    """Take arrays of observations in; they are in the journal when this is answered, and found within seconds."""

    def answer() -> Any:
        done = _post(office, session, language, raw)
        return [f"{_root(request)}/Observations('{_quoted(one)}')" for one in done.ids] + ["error"] * done.refused

    return _answered(answer, 201)


@router.post("/Observations", status_code=201, response_class=Response)
def sta_observation(request: Request, office: TheOffice, session: Sender, language: TheLanguage, raw: Sent) -> Response:
    """Take one observation in."""
    return _made(request, lambda: _post(office, session, language, raw))


@router.post("/Datastreams({key})/Observations", status_code=201, response_class=Response)
def sta_observation_of(
    key: str, request: Request, office: TheOffice, session: Sender, language: TheLanguage, raw: Sent
) -> Response:
    """Take one observation of a Datastream in."""
    stream = key.strip("'").replace("''", "'")
    return _made(request, lambda: _post(office, session, language, raw, stream))


def _post(office: Office, session: Session, language: Language, raw: bytes, stream: str = "") -> Posted:
    catalog = Catalog(office.town, area_of(session), office.store.series, language)
    return posted(office.store, catalog, raw, session.kept.login, office.zone, office.now, stream)


def _made(request: Request, act: Callable[[], Posted]) -> Response:
    """Answer 201 with the address that the observation will have."""
    try:
        done = act()
    except StaError as problem:
        return _problem(problem)
    link = f"{_root(request)}/Observations('{_quoted(done.ids[0])}')"
    return Response(b"", 201, headers={"Location": link}, media_type=JSON)


def _answerer(request: Request, office: Office, session: Session, language: Language) -> Answerer:
    return Answerer(Catalog(office.town, area_of(session), office.store.series, language), _root(request))


def _root(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}/sta/v1.1"


def _quoted(ident: str) -> str:
    return quote(ident, safe=":~@.-_")


def _answered(act: Callable[[], Any], status: int = 200) -> Response:
    try:
        found = act()
    except StaError as problem:
        return _problem(problem)
    if isinstance(found, str):
        return Response(found, status, media_type="text/plain")
    return Response(to_json(found), status, media_type=JSON)


def _problem(problem: StaError) -> Response:
    body = {"code": problem.status, "type": "error", "message": problem.message}
    return Response(to_json(body), problem.status, media_type=JSON)

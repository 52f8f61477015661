"""`/api/live`: what one session may hear of, and for how long."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from bihuan.app.access import Session, sees_case
from bihuan.app.api.alarms import sees
from bihuan.app.api.device_lines import sees_device
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheOffice, found_session
from bihuan.app.api.office import Office
from bihuan.core import Event, from_json

router = APIRouter(prefix="/api", tags=["live"], responses=PROBLEMS)  # type: ignore[arg-type]


class Watch:
    """One session that listens: it hears what its rights and its area let through, as they are at each beat.

    Parameters
    ----------
    request : Request
        Whose cookie or token it is.
    office : Office
    session : Session
    """

    def __init__(self, request: Request, office: Office, session: Session) -> None:
        self._request, self._office, self._session = request, office, session

    @property
    def digest(self) -> str:
        """Of the secret of the session."""
        return self._session.kept.digest

    def holds(self) -> bool:
        """Say whether the session still holds; listening alone keeps no session open."""
        try:
            self._session = found_session(self._request, self._office, active=False)
        except Refused:
            return False
        return True

    def hears(self, kind: str, right: str, body: dict[str, Any]) -> bool | None:
        """Say whether it hears nothing of a message (None), its kind alone (False), or all of it (True)."""
        if kind == "job":
            return True if self._hears_job(str(body["id"])) else None
        if right and not self._session.may(right):
            return None
        return self._sees(kind, str(body["id"])) if "id" in body else True

    def _hears_job(self, ident: str) -> bool:
        """One's own, and imports, which everyone who imports sees."""
        job = self._office.jobs.get(ident)
        if job is None:
            return False
        return job.by == self._session.person.id or (job.kind == "import" and self._session.may("import.run"))

    def _sees(self, kind: str, ident: str) -> bool:
        office, session = self._office, self._session
        if kind == "case":
            case = office.desk.find(ident)
            return case is not None and sees_case(session, case)
        if kind == "event":
            row = office.store.records.get("event", ident)
            return row is not None and sees(session, office, from_json(row.body, Event).subject)
        if kind == "device":
            device = office.town.devices.get(ident)
            return device is not None and sees_device(session, device, office)
        return True


def watching(request: Request, office: TheOffice) -> Watch:
    """Return who listens; a stream that stands open is no activity of a person."""
    return Watch(request, office, found_session(request, office, active=False))


@router.get("/live", response_class=StreamingResponse)
async def live(office: TheOffice, watch: Annotated[Watch, Depends(watching)]) -> StreamingResponse:
    """Tell what changes, as server-sent events, until the session ends; the page then reads what it shows anew."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    stream = office.live.listen(watch.digest, watch.hears, watch.holds)
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

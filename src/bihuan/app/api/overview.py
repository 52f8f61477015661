"""The overview (值班总览): one read model, made once for everyone who sees the same area in the same language."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Annotated, TypeVar
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Request, Response

from bihuan.app.access import Area, Session, Sight, area_of, sight_of
from bihuan.app.api.errors import PROBLEMS
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.kept import Kept
from bihuan.app.api.office import Office
from bihuan.app.api.overview_air import air_now, judged_until, ranks, so_far, the_night
from bihuan.app.api.overview_models import Overview
from bihuan.app.api.overview_work import board_of, case_counts, loggers, outlook, todo, traced, water
from bihuan.core import Language, floor_to, local_date

router = APIRouter(prefix="/api", tags=["overview"], responses=PROBLEMS)  # type: ignore[arg-type]

T = TypeVar("T")

MINUTE = timedelta(minutes=1)
"""Ages and time limits are told to the minute."""

LOOK = 0.2
"""Far below the time between two steps. [s]"""


class Remembered:
    """Parts of the overview that change once an hour, and whole answers.

    Parameters
    ----------
    look : float
        How long the last complete step is taken for known. [s]
    """

    def __init__(self, look: float = LOOK) -> None:
        self.look = look
        self.answers = Kept()
        self._mutex = threading.Lock()
        self._parts: dict[str, tuple[Hashable, object]] = {}
        self._looked: tuple[float, datetime | None] | None = None

    def watermark(self, office: Office) -> datetime | None:
        """Return the last complete step, read from the records at most every `LOOK` seconds.

        The bulk route asks a thousand times a second, and each look costs as much as the rest of the answer.
        """
        at, found = office.clock.monotonic(), self._looked
        if found is None or at - found[0] > self.look:
            found = (at, office.loop.watermark)
            self._looked = found
        return found[1]

    def part(self, name: str, state: Hashable, make: Callable[[], T]) -> T:
        """Return a part, made anew when `state` changed: a year of hours is not summed up every five minutes."""
        with self._mutex:
            found = self._parts.get(name)
            if found is None or found[0] != state:
                found = (state, make())
                self._parts[name] = found
            return found[1]  # type: ignore[return-value]


_REMEMBERED: WeakKeyDictionary[object, Remembered] = WeakKeyDictionary()


def remembered(office: Office) -> Remembered:
    """Return what is remembered for the store of an office, and only as long as it is open."""
    found = _REMEMBERED.get(office.live)
    if found is None:
        found = _REMEMBERED.setdefault(office.live, Remembered())
    return found


def make_overview(
    office: Office,
    area: Area,
    now: datetime,
    language: Language = "zh",
    kept: Remembered | None = None,
    sight: Sight | None = None,
) -> Overview:
    """Return the overview of an area at an instant.

    Parameters
    ----------
    office : Office
    area : Area
        Air is the whole city's for everyone; events, cases, sections and loggers are those of the area.
    now : datetime
    language : Language
    sight : Sight, optional
        Cases that are seen; those of the area's district without it.
    kept : Remembered, optional
        Where parts that change once an hour are remembered.
    """
    kept = kept or Remembered()
    today, hour = local_date(now, office.zone), judged_until(now)
    state = (hour, id(office.town), len(office.store.settings.history("targets")))
    board = board_of(office, area, now, sight)
    air = air_now(office, now, language)
    return Overview(
        city=office.settings.text("city_name") or (office.town.cell.name if office.town.cell else ""),
        now=now,
        as_of=air.end,
        air=air,
        todo=todo(office, board, language),
        night=the_night(office, now, language),
        so_far=kept.part(f"so_far/{language}", state, lambda: so_far(office, today, language)),
        ranks=kept.part(f"ranks/{language}", state, lambda: ranks(office, today, language)),
        traced=traced(office, board, language),
        cases=case_counts(office, board, now, language),
        water=water(office, area, now),
        outlook=outlook(office, now),
        transmission=loggers(office, area, now, language),
    )


def state_of(office: Office, now: datetime) -> Hashable:
    """Return what an overview is made from, in short: when it is the same, so is the overview."""
    return (
        office.loop.watermark,
        id(office.town),
        sum(case.revision for case in office.desk.cases),
        office.store.records.count("mark"),
        office.store.records.count("warning"),
        office.store.records.count("warning", state="proposed"),
        len(office.store.settings.history("targets")),
        floor_to(now, MINUTE),
    )


@router.get("/overview", responses={200: {"model": Overview}})
def overview(
    office: TheOffice, language: TheLanguage, session: Annotated[Session, needs("overview.read")], request: Request
) -> Response:
    """Tell how the city stands now: air, what waits, the night, targets, ranks, odds, cases, water, loggers."""
    area, sight, now, kept = area_of(session), sight_of(session), office.now, remembered(office)
    made = kept.answers.get(
        (area, sight, language),
        state_of(office, now),
        lambda: make_overview(office, area, now, language, kept, sight).model_dump_json().encode(),
    )
    return made.answer(request)

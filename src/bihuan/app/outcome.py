"""What one step of the loop brought, for whoever shows or counts it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from bihuan.app.ingest import Taken
from bihuan.app.signing import KeptSign
from bihuan.app.watch import Watched
from bihuan.cases import Case
from bihuan.core import Effect, Event, Suspects, Verdict


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one step brought.

    Attributes
    ----------
    now : datetime
    taken : Taken
    verdicts : tuple of Verdict
    events : tuple of Event
        That opened, went on or ended.
    suspects : tuple of Suspects
    cases : tuple of Case
        That changed.
    effects : tuple of Effect
    signs : tuple of KeptSign
        Of falsification, new ones: reasons for a visit.
    watched : Watched
        Gaps that are new or changed, and loggers that speak from two addresses.
    """

    now: datetime
    taken: Taken
    verdicts: tuple[Verdict, ...] = ()
    events: tuple[Event, ...] = ()
    suspects: tuple[Suspects, ...] = ()
    cases: tuple[Case, ...] = ()
    effects: tuple[Effect, ...] = ()
    signs: tuple[KeptSign, ...] = ()
    watched: Watched = field(default_factory=Watched)

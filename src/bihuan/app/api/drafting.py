"""The day's bulletin is drafted by itself before the day begins, and every open page is told."""

from __future__ import annotations

from datetime import datetime

from bihuan.app.api.office import Office
from bihuan.app.bulletins import due_drafts


def draft_bulletins(office: Office, now: datetime) -> None:
    """Make the drafts that are due; whoever steps the loop calls this after each step."""
    for made in due_drafts(office.store, office.settings, office.town, office.desk.cases, now):
        office.live.tell("bulletin", id=made.id)

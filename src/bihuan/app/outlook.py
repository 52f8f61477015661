"""The heavy-pollution ladder in the loop: hour by hour it may draft a warning (拟发布建议); a person signs it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.alerts import LadderState, Proposal, Warning, draft, in_force, ladder_step, scheme_on, sign
from bihuan.app.town import Town
from bihuan.core import HOUR, InputError, NotCovered, Verdict, from_json, local_date, to_json
from bihuan.register import Person
from bihuan.store import Link, Row, Store

STATE = "loop/ladder"

MEASURED = timedelta(days=6)
"""Hours of city AQI shown to the ladder."""


class Outlook:
    """Drafts warnings from the city's hourly AQI; without a forecast the outlook is what was measured.

    Parameters
    ----------
    store : Store
    zone : ZoneInfo
    allow : frozenset of str
        Plans that the city has switched on although they are unconfirmed.
    """

    def __init__(self, store: Store, zone: ZoneInfo, allow: frozenset[str] = frozenset()) -> None:
        self._store = store
        self._zone = zone
        self._allow = allow
        known = store.records.state(STATE)
        self._state = from_json(known, LadderState) if known else LadderState()
        self._hours: dict[datetime, float | None] | None = None

    def step(self, town: Town, verdicts: Iterable[Verdict], now: datetime) -> tuple[Warning, ...]:
        """Take the city's new hours and save the draft that the plan in force calls for, if any."""
        fresh = [v for v in verdicts if v.kind == "aqi_hour" and v.subject == town.ref]
        if not fresh:
            return ()
        hours = self._past(town, now) if self._hours is None else self._hours
        hours.update({verdict.period.start: verdict.value for verdict in fresh})
        self._hours = {start: aqi for start, aqi in hours.items() if start > now - MEASURED}
        if not self._hours:
            return ()  # what came is so late that it says nothing of what lies ahead
        try:
            scheme = scheme_on(local_date(now, self._zone), town.ref.id, self._allow)
        except NotCovered:
            return ()  # no plan that may decide is in force here: nothing is drafted
        starts = sorted(self._hours)
        table = pl.DataFrame(
            {"start": starts, "aqi": [self._hours[start] for start in starts]},
            schema={"start": pl.Datetime("us", "UTC"), "aqi": pl.Float64},
        )
        as_of = self._as_of(starts, scheme.lift_hours)
        self._state, proposals = ladder_step(self._state, scheme, table, as_of, zone=self._zone)
        self._store.records.set_state(STATE, to_json(self._state))
        drafts = tuple(self._save(replace(proposal, made=now), town) for proposal in proposals)
        self._store.records.link(Link(hour.ref, one.ref) for one in drafts for hour in fresh)
        return drafts

    def _as_of(self, starts: list[datetime], lift_hours: int) -> datetime:
        """Where the ladder looks ahead from, so that what it finds ahead are hours that were measured.

        Without a forecast nothing is known after the last hour: a grade is due when that hour still lies in an episode,
        and a warning is to be lifted when the hours that must stay low have been low.
        """
        back = (lift_hours - 1) * HOUR if self._state.in_force else timedelta(0)
        return max(starts[0], starts[-1] - back)

    def _past(self, town: Town, now: datetime) -> dict[datetime, float | None]:
        """The hours that an earlier process judged."""
        rows = self._store.records.find("verdict", subject=str(town.ref), since=now - MEASURED)
        verdicts = (from_json(row.body, Verdict) for row in rows)
        return {verdict.period.start: verdict.value for verdict in verdicts if verdict.kind == "aqi_hour"}

    def _save(self, proposal: Proposal, town: Town) -> Warning:
        warning = draft(proposal, town.ref, self._signed())
        self._keep(warning)
        return warning

    def sign(self, ident: str, person: Person, at: datetime) -> Warning:
        """Let a named person sign a draft (签发); only then may CAP leave.

        Raises
        ------
        InputError
            If there is no such draft.
        WarningRefused
            If it is signed already or the person may not sign.
        """
        row = self._store.records.get("warning", ident)
        if row is None:
            raise InputError(f"warning {ident!r} does not exist; drafts are records of kind warning, state proposed")
        signed = sign(from_json(row.body, Warning), person, at)
        self._keep(signed)
        self._state = in_force(self._state, signed)
        self._store.records.set_state(STATE, to_json(self._state))
        return signed

    def _signed(self) -> Warning | None:
        """The last signed message of the warning in force."""
        if not self._state.warning:
            return None
        rows = self._store.records.find("warning", state=["issued", "updated", "downgraded"], newest_first=True)
        found = (from_json(row.body, Warning) for row in rows)
        return next((warning for warning in found if warning.id == self._state.warning), None)

    def _keep(self, warning: Warning) -> None:
        start = warning.period.start if warning.period else warning.signed_at
        row = Row(warning.ref.id, to_json(warning), str(warning.area), warning.state, start=start)
        self._store.records.save("warning", [row])

"""The loop: the only file that knows the whole way, from the journal to the measured effect.

One `step` does everything that is due at one instant. It is deterministic: the same journal, register, settings and
the same instants give the same events. Every id comes from content, so a step that a crash cut short is simply taken
again; the watermark moves last.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.alerts import Facts, Heard, RuleSet, RulesState
from bihuan.app.declared import marks_at
from bihuan.app.desk import REGIONAL, Desk
from bihuan.app.ingest import Ingest, Taken
from bihuan.app.judge import Judge
from bihuan.app.measure import Measure
from bihuan.app.memory import judged_before, last_ranking, shown, state_of
from bihuan.app.notify import Notifications
from bihuan.app.openevents import ENDED_KEPT, reopened
from bihuan.app.others import others_of
from bihuan.app.outcome import Outcome
from bihuan.app.outlook import Outlook
from bihuan.app.rollups import SHORT
from bihuan.app.signing import Signing
from bihuan.app.suspicion import LOOK_BACK, MODELS, Asked, Suspicion, is_traced, own_suspect
from bihuan.app.town import Town
from bihuan.app.watch import Watch
from bihuan.app.window import Window
from bihuan.cases import Calendar, Case, CaseSettings
from bihuan.core import (
    HOUR,
    KEY_COLUMNS,
    READINGS_SCHEMA,
    ROLLUP_KEY,
    Effect,
    Event,
    Period,
    Ref,
    Suspects,
    Verdict,
    floor_to,
    from_json,
    iso,
    local_date,
    parse_instant,
    to_json,
)
from bihuan.observations import of_record
from bihuan.register import Register
from bihuan.store import Link, Record, Row, Store

log = logging.getLogger("bihuan.loop")

RULES = "loop/rules"
ASKED = "loop/asked"
TRIED = "loop/tried"
WATERMARK = "loop/watermark"

TICK = timedelta(minutes=5)
"""The loop steps on whole multiples of this, in the city's time."""

MINUTES_SHOWN = timedelta(hours=6)
"""Minutes shown at every step; more only when a rule that looks back on a day is due."""

MINUTES_TRACED = ENDED_KEPT + LOOK_BACK
"""Minutes the tracer may look at: an event that ended may be looked at again so long after its onset."""

HOURS_KEPT = timedelta(hours=30)
"""Hours shown to the rules."""


class Loop:
    """Monitor, assess, warn, trace, dispatch, verify.

    Parameters
    ----------
    store : Store
        Opened by this process.
    zone : ZoneInfo
        Local time of the city.
    notifications : Notifications
    began : datetime
        From when silence counts: the start of the server.
    allow : frozenset of str
        Rows of law that the city has switched on although they are unconfirmed.
    case_settings : CaseSettings, optional
    tracing_model : str
        Physics of tracing, one of `suspicion.MODELS`.
    """

    def __init__(
        self,
        store: Store,
        zone: ZoneInfo,
        notifications: Notifications,
        began: datetime,
        allow: frozenset[str] = frozenset(),
        case_settings: CaseSettings | None = None,
        tracing_model: str = MODELS[0],
    ) -> None:
        self._store = store
        self._zone = zone
        self._began = began
        self._register = store.records.register()
        self._town = Town(self._register, local_date(began, zone))
        self.ingest = Ingest(store, zone, self.watermark, others_of(store))
        self.watch = Watch(store, zone)
        self.judge = Judge(store, zone, allow)
        self.rules = RuleSet(allow=allow)
        known = store.records.state(RULES)
        self._rules_state = from_json(known, RulesState) if known else RulesState()
        self.desk = Desk(store.records, lambda: self._register, Calendar(case_settings), notifications)
        self._asked = state_of(store.records, ASKED, Asked)
        self._tried = state_of(store.records, TRIED, datetime)
        self._tracing_model = tracing_model
        self._suspicion = Suspicion(self._town, self._asked, tracing_model)
        self._measure = Measure(store, self._tried)
        self._outlook = Outlook(store, zone, allow)
        self._signing = Signing(store, zone)
        leaned_on = {ref.id for case in self.desk.open_cases for ref in case.sources if ref.kind == "event"}
        self._open = reopened(store.records, self.watermark, leaned_on)
        self._heard: dict[tuple[str, str], datetime] = {}
        self._verdicts = judged_before(store.records, self.watermark, self._town.day_sites)
        self._hours: pl.DataFrame | None = None
        self._minute_window = Window("minute", lambda rows: rows.join(self._town.loggers, on="device", how="inner"))
        self._hour_window = Window("hour", of_record)
        self._waiting: list[Taken] = []

    @property
    def town(self) -> Town:
        """The register as the last step saw it."""
        return self._town

    @property
    def zone(self) -> ZoneInfo:
        """Local time of the city."""
        return self._zone

    @property
    def outlook(self) -> Outlook:
        """The heavy-pollution ladder, for whoever signs."""
        return self._outlook

    @property
    def watermark(self) -> datetime | None:
        """Instant of the last complete step."""
        body = self._store.records.state(WATERMARK)
        return parse_instant(from_json(body, str)) if body else None

    def ranking(self, event: str) -> Suspects | None:
        """Return the last ranking of an event."""
        return self._open.ranked.get(event) or last_ranking(self._store.records, event)

    def renew_register(self, register: Register | None = None) -> None:
        """Take the register as it is stored now; waiting frames of loggers it claims are read again by a rebuild."""
        self._register = register or self._store.records.register()
        self._new_town(self._town.on)

    def take(self, now: datetime, until: datetime | None = None) -> Taken:
        """Take in what has come, between two steps; the next step concludes from it. Parameters as for `step`.

        Hours that late frames touch are averaged by the step, once, however many takes lie before it.
        """
        with self._store.step:
            taken = self.ingest.take(self._town, now, until, average=False)
            self._waiting.append(taken)
            return taken

    def take_waiting(self, mn: str, records: Iterable[Record], now: datetime) -> Taken:
        """Take in frames of a logger that was claimed after they came; the next step concludes from them."""
        with self._store.step:
            taken = self.ingest.feed_waiting(self._town, mn, records, now, average=False)
            self._waiting.append(taken)
            return taken

    def step(self, now: datetime, until: datetime | None = None) -> Outcome:
        """Do everything that is due at an instant.

        Parameters
        ----------
        now : datetime
            A whole multiple of `TICK`.
        until : datetime, optional
            Take no frames that were received later, as a loop does that catches up.
        """
        with self._store.step:
            on = local_date(now, self._zone)
            if on != self._town.on:
                self._new_town(on)
            self._waiting.append(self.ingest.take(self._town, now, until))
            taken = _together(self._waiting)
            self._hear(taken)
            with self._store.records.transaction():
                watched = self.watch.step(self._town, taken.readings, taken.arrivals, now, taken.notes)
                outcome = replace(self._conclude(taken, now), watched=watched)
                self._keep()
                self._store.records.set_state(WATERMARK, to_json(iso(now)))
            self._waiting = []
        self.desk.send(now)
        return outcome

    def _conclude(self, taken: Taken, now: datetime) -> Outcome:
        self.judge.touched(taken.hours)
        self.judge.declared(*marks_at(self._store.records, self.desk, self.watermark or self._began, now))
        verdicts = self.judge.due(self._town, now)
        self._save_verdicts(verdicts)
        self._outlook.step(self._town, verdicts, now)
        values, minutes = self._values(taken, now)
        self._rules_state, events = self.rules.step(self._rules_state, self._facts(values, verdicts, now), now)
        self._store.records.set_state(RULES, to_json(self._rules_state))
        self._save_events(events)
        before = {case.id: case.revision for case in self.desk.cases}
        suspects = self._trace(events, minutes, now)
        self._dispatch(events, suspects, now)
        effects = self._verify(now)
        self.desk.run_clocks(now)
        signs = self._signing.due(self._town, now)
        changed = tuple(case for case in self.desk.cases if before.get(case.id) != case.revision)
        return Outcome(now, taken, verdicts, events, suspects, changed, effects, signs)

    def _keep(self) -> None:
        """Remember what the next step needs, so that it may be another process that takes it."""
        leaned_on = {ref.id for case in self.desk.open_cases for ref in case.sources if ref.kind == "event"}
        wanted = self._open.events.keys() | self._open.ended.keys() | leaned_on
        self._open.ranked = {ident: found for ident, found in self._open.ranked.items() if ident in wanted}
        for ident in self._asked.keys() - wanted:
            del self._asked[ident]
        for ident in self._tried.keys() - {case.id for case in self.desk.cases if case.effective is None}:
            del self._tried[ident]
        self.ingest.keep()
        self.judge.keep()
        for name, times in ((ASKED, self._asked), (TRIED, self._tried)):
            self._store.records.set_state(name, to_json(times))

    # -- facts -----------------------------------------------------------------------------------------------------

    def _values(self, taken: Taken, now: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Minutes and hours of record as far back as a rule looks now, and all minutes that the tracer may look at."""
        assert self.ingest.recent is not None
        minutes = self._minute_window
        if minutes.empty:
            minutes.fill(self._stored_minutes(now))
        else:
            minutes.take(self.ingest.recent, taken.readings)
        minutes.cut(self._minutes_since(now))
        if self._hour_window.empty:
            self._hour_window.fill([self._recent_hours(taken, now)])
        else:
            self._hour_window.take(self._recent_hours(taken, now), taken.hours)
        self._hour_window.cut(self._hours_since(now))
        span = max(MINUTES_SHOWN, self.rules.wanted(self._rules_state, "minute", now))
        hours = self._hour_window.rows(self._hours_since(now), now)
        return pl.concat([minutes.rows(now - span, now), hours], rechunk=False), minutes.rows(now - MINUTES_TRACED)

    def _minutes_since(self, now: datetime) -> datetime:
        return now - max(self.rules.lookback("minute"), MINUTES_TRACED)

    def _stored_minutes(self, now: datetime) -> Iterator[pl.DataFrame]:
        """The minutes of the window from the store, hour by hour: a large city's day at once would fill the memory."""
        last = self.ingest.until or now + timedelta(days=1)
        start = floor_to(self._minutes_since(now), HOUR)
        while start < last:
            end = min(start + HOUR, last) if start < now else last  # clocks that run ahead send little
            found = [self._store.series.readings(interval=each, period=Period(start, end)) for each in SHORT]
            yield pl.concat(found).select(READINGS_SCHEMA.names)
            start = end

    def _hours_since(self, now: datetime) -> datetime:
        return now - max(self.rules.lookback("hour"), HOURS_KEPT)

    def _recent_hours(self, taken: Taken, now: datetime) -> pl.DataFrame:
        since = self._hours_since(now)
        if self._hours is None:
            self._hours = self._store.series.hours(period=Period(since, now + timedelta(days=1)))
            self._hours = self._hours.drop("revision")
        elif taken.hours.height:
            key = ["site", "pollutant", "stat", "basis", "start"]
            fresh = taken.hours.select(self._hours.columns).unique(key, keep="last", maintain_order=True)
            self._hours = pl.concat([self._hours.join(fresh, on=key, how="anti", maintain_order="left"), fresh])
        self._hours = self._hours.filter(pl.col("start") >= since)
        return self._hours

    def _facts(self, values: pl.DataFrame, verdicts: tuple[Verdict, ...], now: datetime) -> Facts:
        recent = [old for old in self._verdicts if old.period.end > now - shown(old)]
        self._verdicts = list({verdict.id: verdict for verdict in (*recent, *verdicts)}.values())
        return Facts(
            now=now,
            city=self._town.ref,
            sites=self._town.sites,
            values=values,
            verdicts=tuple(self._verdicts) if verdicts else (),  # between two hours nothing new was judged
            heard=self._heard_of(),
            place_code=self._town.ref.id,
            noticed=self.watch.noticed(self._town, self.ingest.recent, now) if self.ingest.recent is not None else (),
        )

    def _hear(self, taken: Taken) -> None:
        if not self._heard:
            for row in self._store.series.latest().iter_rows(named=True):
                self._hear_one((row["device"], row["interval"]), row["end"])
        ends = taken.readings.group_by("device", "interval").agg(pl.col("end").max())
        for device, interval, end in ends.iter_rows():
            self._hear_one((device, interval), end)

    def _hear_one(self, key: tuple[str, str], end: datetime) -> None:
        self._heard[key] = max(end, self._heard.get(key, end))

    def _heard_of(self) -> tuple[Heard, ...]:
        return tuple(
            Heard(Ref.parse(device.site), mn, interval, float(seconds), self._heard.get((mn, interval)), self._began)
            for mn, device in sorted(self._town.devices.items())
            for interval, seconds in sorted(device.rhythm.items())
        )

    # -- conclusions -----------------------------------------------------------------------------------------------

    def _save_verdicts(self, verdicts: Iterable[Verdict]) -> None:
        rows = [
            Row(v.id, to_json(v), str(v.subject), v.label, start=v.period.start, end=v.period.end) for v in verdicts
        ]
        self._store.records.save("verdict", rows)

    def _save_events(self, events: Iterable[Event]) -> None:
        rows, links = [], []
        for event in events:
            state = "open" if event.open else "closed"
            period = event.period
            rows.append(Row(event.id, to_json(event), str(event.subject), state, start=period.start, end=period.end))
            links += [Link(ref, event.ref) for ref in event.inputs if ref.kind == "verdict"]
            self._open.events[event.id] = event
        self._store.records.save("event", rows)
        self._store.records.link(links)

    def _trace(self, events: Iterable[Event], minutes: pl.DataFrame, now: datetime) -> tuple[Suspects, ...]:
        """Ask for suspects of what is new, again of what lasts, and of what preceded a rise of the whole network."""
        told = {event.id for event in events}
        ranked, known = [], self._open.in_order
        for event in known:
            noticed = self._suspicion.noticed(event, known)
            if is_traced(event) and self._suspicion.due(event, now, noticed):
                found = self._suspicion.rank(event, minutes, now, self.desk.cases, noticed)
            elif event.id in told and event.subject.kind == "outlet" and event.id not in self._open.ranked:
                fact = self._register.resolve(event.subject, self._town.on)
                found = own_suspect(event, fact.name if fact else event.subject.id)
            else:
                continue
            self._open.ranked[event.id] = found
            ranked.append(found)
        self._save_suspects(ranked)
        return tuple(ranked)

    def _save_suspects(self, ranked: Iterable[Suspects]) -> None:
        rows, links = [], []
        for found in ranked:
            period = found.period
            rows.append(Row(found.id, to_json(found), str(found.event), start=period.start, end=period.end))
            links.append(Link(found.event, found.ref))
        self._store.records.save("suspects", rows)
        self._store.records.link(links)

    def _dispatch(self, events: Iterable[Event], suspects: Iterable[Suspects], now: datetime) -> None:
        """Open or extend the case of every event that somebody must look at; send on what was ruled out.

        A case that stands is told of every later look, though its event ended or turned out to be the whole region's:
        its officer has to know.
        """
        fresh, asked = {event.id for event in events}, {found.event.id for found in suspects}
        for event in self._open.in_order:
            ranking = self._open.ranked.get(event.id)
            stands = event.id in asked and self.desk.case_of(event.ref) is not None
            if stands or (event.id in fresh | asked and _wants_case(event, ranking)):
                self.desk.from_event(event, ranking, now)
        for case in self.desk.open_cases:
            if case.state == "handling":
                latest = self._latest_ranking(case)
                if latest is not None:
                    self.desk.redirect(case.id, latest, now)
        self._open.part(now)

    def _latest_ranking(self, case: Case) -> Suspects | None:
        events = [ref.id for ref in case.sources if ref.kind == "event"]
        return next((self._open.ranked[ident] for ident in reversed(events) if ident in self._open.ranked), None)

    def _verify(self, now: datetime) -> tuple[Effect, ...]:
        """Measure what was handled: did the excess go away, with the wind taken into account?"""
        effects = []
        for case in self._measure.due(self.desk.cases, now):
            effect = self._measure.effect(case, self._event_of(case), self._suspicion, now)
            if effect is None:
                continue
            row = Row(effect.id, to_json(effect), str(case.ref), effect.verdict, start=case.opened, end=now)
            self._store.records.save("effect", [row])
            self._store.records.link([Link(case.ref, effect.ref), *(Link(ref, effect.ref) for ref in effect.inputs)])
            self.desk.measured(effect, now)
            effects.append(effect)
        return tuple(effects)

    def _event_of(self, case: Case) -> Event | None:
        found = (self._store.records.get("event", ref.id) for ref in case.sources if ref.kind == "event")
        row = next((row for row in found if row is not None), None)
        return from_json(row.body, Event) if row else None

    def _new_town(self, on: date) -> None:
        self._town = Town(self._register, on)
        self._suspicion = Suspicion(self._town, self._asked, self._tracing_model)
        self._minute_window.forget()


def _together(parts: list[Taken]) -> Taken:
    """What several looks at the journal brought, a later row of a key before an earlier one."""
    if len(parts) == 1:
        return parts[0]
    return Taken(
        frames=sum(part.frames for part in parts),
        readings=pl.concat([part.readings for part in parts]).unique([*KEY_COLUMNS], keep="last", maintain_order=True),
        hours=pl.concat([part.hours for part in parts]).unique([*ROLLUP_KEY], keep="last", maintain_order=True),
        full=parts[-1].full,
        arrivals=[one for part in parts for one in part.arrivals],
        notes=tuple(note for part in parts for note in part.notes),
    )


def _wants_case(event: Event, ranking: Suspects | None) -> bool:
    """A regional rise sends nobody to a gate; what nobody could place waits for more data."""
    if event.subject.kind == "city":
        return False
    return ranking is None or ranking.regional < REGIONAL

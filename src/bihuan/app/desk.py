"""The desk of cases: every door, every step and every clock of a case goes through here, and what follows is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bihuan.app.notify import Notifications
from bihuan.cases import (
    SYSTEM,
    Action,
    Actor,
    Calendar,
    Case,
    Choice,
    FieldReport,
    Fields,
    Intake,
    Order,
    PublicComplaint,
    addressees,
    allowed,
    escalate,
    merge_by_hand,
    next_suspect,
    notices_of,
    open_from_complaint,
    open_from_event,
    open_from_order,
    open_from_report,
    press,
    running,
    settle_followers,
    step,
)
from bihuan.core import Effect, Event, InputError, Notice, Ref, StepRefused, Suspects, from_json, local_date, to_json
from bihuan.register import Register
from bihuan.store import Link, Records, Row

UNSENT = "desk/unsent"
"""Name in `Records.state` of the notices that no channel has taken yet."""

REGIONAL = 0.5
"""From this probability of 区域传输 on nobody is sent to a gate by the program."""

RULED_OUT = frozenset({"untrue", "not_found", "no_access"})


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of sending a case somewhere: ``dispatched reassigned redirected reopened`` or ``unchanged``."""

    case: Case
    outcome: str


class Desk:
    """Cases in memory as they stand, in the records as they were.

    Parameters
    ----------
    records : Records
    register : callable
        Returns the register in force.
    calendar : Calendar
        With the city's settings for cases.
    notifications : Notifications
        Readable as an attribute: how far each notice got.
    """

    def __init__(
        self, records: Records, register: Callable[[], Register], calendar: Calendar, notifications: Notifications
    ) -> None:
        self._records = records
        self._register = register
        self._calendar = calendar
        self.notifications = notifications
        self._cases = {row.id: from_json(row.body, Case) for row in records.find("case")}
        self._photos: dict[str, Ref] = {}
        for case in self.cases:
            self._remember_photos(case)
        # a crash between the records and the channels must swallow nothing; what was sent is known by its id
        waiting = records.state(UNSENT)
        self._unsent: list[Notice] = from_json(waiting, list[Notice]) if waiting else []

    @property
    def calendar(self) -> Calendar:
        """When time counts, with the city's settings for cases."""
        return self._calendar

    @property
    def cases(self) -> tuple[Case, ...]:
        """Every case, oldest first."""
        return tuple(sorted(self._cases.values(), key=lambda case: (case.opened, case.id)))

    @property
    def open_cases(self) -> tuple[Case, ...]:
        """Those that somebody still has to do something about."""
        return tuple(case for case in self.cases if not case.ended)

    def get(self, ident: str) -> Case:
        """Return one case.

        Raises
        ------
        InputError
            If there is none of that id.
        """
        try:
            return self._cases[ident]
        except KeyError:
            raise InputError(f"case {ident!r} does not exist; list them with bihuan doctor or in the records") from None

    def find(self, ident: str) -> Case | None:
        """Return one case, or None."""
        return self._cases.get(ident)

    def shown_in(self, digest: str) -> Ref | None:
        """Return the case that showed a photo first, or None."""
        return self._photos.get(digest)

    def from_event(self, event: Event, suspects: Suspects | None, now: datetime) -> Intake:
        """Open, extend or reopen the case of an event, and send it on its way by the duty table."""
        settings = self._calendar.settings
        intake = open_from_event(
            event, self._register(), now, suspects=suspects, existing=self._cases.values(), settings=settings
        )
        return self._admitted(intake, now)

    def from_report(self, report: FieldReport, now: datetime) -> Intake:
        """Take a grid officer's report."""
        intake = open_from_report(
            report,
            self._register(),
            now,
            existing=self._cases.values(),
            settings=self._calendar.settings,
            used=self._photos,
        )
        return self._admitted(intake, now)

    def from_complaint(self, complaint: PublicComplaint, now: datetime) -> Intake:
        """Take a public complaint (12345)."""
        settings = self._calendar.settings
        intake = open_from_complaint(complaint, self._register(), now, existing=self._cases.values(), settings=settings)
        return self._admitted(intake, now)

    def from_order(self, order: Order, now: datetime) -> Intake:
        """Take a superior's order."""
        settings = self._calendar.settings
        intake = open_from_order(order, self._register(), now, existing=self._cases.values(), settings=settings)
        return self._admitted(intake, now)

    def act(self, ident: str, action: Action) -> Case:
        """Take one action on a case and tell whom it concerns.

        Raises
        ------
        InputError
            If there is no such case.
        StepRefused, RightRefused
            If the case or the role does not allow it; nothing has changed then.
        """
        before = self.get(ident)
        after = step(before, action, self._calendar.settings, self._photos)
        if after is before:
            return before
        at = action.received or action.at
        with self._records.transaction():
            self._keep([after])
            self._keep(settle_followers(after, self._cases.values(), at, self._calendar.settings))
        return after

    def press(self, ident: str, level: str, by: Actor, now: datetime) -> Case:
        """Let a person urge, supervise or elevate (催办, 督办, 提级) the clock that ends first.

        Raises
        ------
        StepRefused
            If no clock of the case runs.
        RightRefused
            If `by` has no right to it.
        """
        case = self.get(ident)
        settings = next(row for row in self._calendar.settings.escalation if row.level == level)
        clock = min(running(case, now, self._calendar), key=lambda one: one.due, default=None)
        if clock is None:
            raise StepRefused(f"case {ident}: no clock runs while it is {case.state}, so there is nothing to {level}")
        after, notices = press(case, settings, clock, now, register=self._register(), calendar=self._calendar, by=by)
        if after.revision == case.revision:
            return case
        self._unsent += notices
        self._keep([after], told=False)
        return after

    def redirect(self, ident: str, suspects: Suspects, now: datetime) -> Case:
        """Send a case whose suspect was ruled out to the next of the ranking, if there is one worth a visit."""
        case = self.get(ident)
        if case.state != "handling" or case.result not in RULED_OUT:
            return case
        after = next_suspect(case, suspects, self._register(), now, self._calendar.settings)
        if after is not case:
            self._keep([after])
        return after

    def case_of(self, event: Ref) -> Case | None:
        """Return the case that answers for an event."""
        found = [case for case in self.cases if event in case.sources]
        case = min(found, key=lambda one: one.state == "merged", default=None)
        while case is not None and case.state == "merged" and case.merged_into in self._cases:
            case = self._cases[case.merged_into]
        return case

    def send_to(
        self,
        event: Event,
        suspects: Suspects | None,
        choice: Choice,
        action: Action,
    ) -> Sent:
        """Send the case of an event where somebody at the desk decided, opening it if there is none.

        A case that was closed is opened again (反弹重开), for which the note is the reason.

        Parameters
        ----------
        event : Event
        suspects : Suspects or None
        choice : Choice
        action : Action
            Who decides, when, at which revision of the case (0: none was there); of its fields ``unit`` and ``note``
            count. The same decision sent twice is one step.

        Raises
        ------
        CaseChanged
            If somebody moved the case since.
        StepRefused, RightRefused
            If the case or the role does not allow it; nothing has changed then.
        """
        fields = choice.fields(action.get("unit"), action.get("note"))
        case = self.case_of(event.ref)
        fresh: tuple[Case, ...] = ()
        if case is None:
            intake = open_from_event(
                event,
                self._register(),
                action.at,
                suspects=suspects,
                existing=self._cases.values(),
                settings=self._calendar.settings,
            )
            case, fresh = intake.case, intake.changed
            action = replace(action, revision=None)
        elif _as_decided(case, fields, action.by):
            return Sent(case, "unchanged")
        again: tuple[Case, ...] = ()
        if case.state in CLOSED:
            reason = {"reason": action.get("note")}
            case = step(case, replace(action, kind="reopen", fields=reason), self._calendar.settings)
            again, action = (case,), replace(action, revision=None)
        kind = _way(case, choice)
        wanted = replace(action, kind=kind, fields=_reasoned(kind, fields), place=choice.place)
        after = step(case, wanted, self._calendar.settings, self._photos)
        with self._records.transaction():
            self._keep(fresh)
            self._keep(again)
            self._keep([after])
        return Sent(after, "reopened" if again else OUTCOMES[kind])

    def merge(self, ident: str, action: Action) -> Case:
        """Let another case, named by the field ``case``, answer for this one (并案).

        Raises
        ------
        InputError
            If there is no such case.
        StepRefused, RightRefused
            If either of the two does not allow it; nothing has changed then.
        """
        before, into = self.get(ident), self.get(action.get("case"))
        if any(past.id == action.id for past in before.steps):
            return before
        merged, linked = merge_by_hand(before, into, action, self._calendar.settings)
        self._keep([merged, linked])
        return merged

    def measured(self, effect: Effect, now: datetime) -> Case:
        """Write the measured effect (见效评价) into its case."""
        fields = {"effect": str(effect.ref), "verdict": effect.verdict, "reason": effect.reason}
        action = Action("assess_effect", SYSTEM, now, {name: text for name, text in fields.items() if text})
        return self.act(effect.case.id, action)

    def run_clocks(self, now: datetime) -> tuple[Case, ...]:
        """Run every 催办, 督办 and 提级 that is due, and retry what could not be sent."""
        pressed = []
        self._send_waiting(now)
        self._move_outlets(now)
        for case in self.open_cases:
            after, notices = escalate(case, now, self._register(), self._calendar)
            self._unsent += notices
            if after is not case:
                pressed.append(after)
        self._keep(pressed, told=False)
        return tuple(pressed)

    def send(self, now: datetime) -> int:
        """Hand every waiting notice to the channels, after the records are safe, and return how many."""
        waiting, self._unsent = self._unsent, []
        sent = self.notifications.post(waiting, now)
        self.notifications.retry(now)
        if waiting:
            self._records.set_state(UNSENT, to_json(self._unsent))
        return len(sent)

    def _admitted(self, intake: Intake, now: datetime) -> Intake:
        with self._records.transaction():
            self._keep(intake.changed)
            case = self._cases.get(intake.case.id, intake.case)
            if case.state == "registered" and self._has_manager(case, now):
                case = self.act(case.id, Action("ask_enterprise", SYSTEM, now))
            if case.state == "registered" and case.lead and not self._waits(case, now) and self._may_dispatch(case):
                case = self.act(case.id, Action("dispatch", SYSTEM, now))
        return Intake(case, intake.outcome, intake.changed)

    def _waits(self, case: Case, now: datetime) -> bool:
        """Say whether an alarm's case still waits for the duty officer's own decision."""
        settings = self._calendar.settings
        if not settings.dispatch_wait_minutes or case.door != "alarm" or case.kind == "maintenance":
            return False
        wait = timedelta(minutes=settings.dispatch_wait_minutes)
        return now < self._calendar.add(case.since, wait, settings.dispatch_wait_on)

    def _send_waiting(self, now: datetime) -> None:
        """Dispatch by the duty table what nobody decided about in time."""
        if not self._calendar.settings.dispatch_wait_minutes:
            return
        for case in self.open_cases:
            over = case.door == "alarm" and case.lead and not self._waits(case, now)
            if case.state == "registered" and over and self._may_dispatch(case):
                self.act(case.id, Action("dispatch", SYSTEM, now))

    def _has_manager(self, case: Case, now: datetime) -> bool:
        """Say whether an outlet's own alarm has somebody at its enterprise who can be asked."""
        if case.kind != "outlet":
            return False
        on = local_date(now, self._calendar.settings.zone)
        return any(ref.kind == "person" for ref in addressees("enterprise", case, self._register(), on))

    def _move_outlets(self, now: datetime) -> None:
        """Take the next step of an outlet's alarm whose clock is over: nobody waits for a word that does not come."""
        for case in self.open_cases:
            kind, key = ON_TIME.get(case.state, ("", ""))
            if case.kind != "outlet" or not kind or kind not in allowed(case, SYSTEM, self._calendar.settings):
                continue
            clock = next((one for one in running(case, now, self._calendar) if one.name == CLOCK_OF[case.state]), None)
            if clock is not None and clock.overdue and (kind != "dispatch" or case.lead):
                self.act(case.id, Action(kind, SYSTEM, now, {"reason": key} if key else {}))

    def _may_dispatch(self, case: Case) -> bool:
        return "dispatch" in allowed(case, SYSTEM, self._calendar.settings) and not self._is_carried_in(case)

    def _is_carried_in(self, case: Case) -> bool:
        """Say whether the newest ranking of a case calls it 区域传输: the program sends nobody to a gate for that."""
        last = next((ref for ref in reversed(case.sources) if ref.kind == "suspects"), None)
        row = None if last is None or case.door != "alarm" else self._records.get("suspects", last.id)
        return row is not None and from_json(row.body, Suspects).regional >= REGIONAL

    def _keep(self, cases: Iterable[Case], told: bool = True) -> None:
        """Save cases, their new steps and what is to be told about them, all or nothing."""
        rows, steps, links = [], [], []
        for case in cases:
            old = self._cases.get(case.id)
            fresh = case.steps[len(old.steps) :] if old else case.steps
            self._cases[case.id] = case
            self._remember_photos(case)
            rows.append(_row(case))
            steps += [
                Row(f"{case.id}/{entry.id}", to_json(entry), str(case.ref), entry.after, start=entry.logged)
                for entry in fresh
            ]
            links += [Link(ref, case.ref, "case") for ref in case.sources if old is None or ref not in old.sources]
            if told:
                self._unsent += notices_of(case, self._register(), self._calendar)
        if not rows:
            return
        with self._records.transaction():
            self._records.save("case", rows)
            self._records.save("step", steps)
            self._records.link(links)
            self._records.set_state(UNSENT, to_json(self._unsent))

    def _remember_photos(self, case: Case) -> None:
        for photo in case.photos:
            self._photos.setdefault(photo.digest, case.ref)


def _row(case: Case) -> Row:
    end = case.since if case.ended else None
    return Row(case.id, to_json(case), str(case.opening.subject or ""), case.state, case.cell, case.opened, end)


CLOCK_OF = {"explaining": "explain", "reviewing": "review", "concluded": "decide"}
ON_TIME = {
    "explaining": ("review", "no_declaration"),
    "reviewing": ("dispatch", ""),
    "concluded": ("order_rectify", "ordered_by_clock"),
}
"""State of an outlet's alarm -> the step when its clock is over, and the reason, a key of ``law_outlet``."""

CLOSED = ("closed", "archived")
OUTCOMES = {"dispatch": "dispatched", "reassign": "reassigned", "redirect": "redirected"}


def _way(case: Case, choice: Choice) -> str:
    """Which step sends a case there: 交办 of what nobody has yet, 转查 after a visit in vain, 改派 otherwise."""
    if case.state == "registered" or (case.kind == "outlet" and case.state in {"explaining", "reviewing"}):
        return "dispatch"
    vain = case.state == "handling" and case.result in RULED_OUT
    return "redirect" if vain and choice.suspect is not None else "reassign"


def _reasoned(kind: str, fields: Fields) -> Fields:
    """改派 asks for a reason; that the desk decided so is one."""
    return fields if kind != "reassign" or fields.get("reason") else {**fields, "reason": "desk"}


def _as_decided(case: Case, fields: Fields, by: Actor) -> bool:
    """Say whether a case is on its way there already: sent so by the duty table, or by this person's first click."""
    if case.state in {"registered", "explaining", "reviewing"} or case.ended:
        return False
    if case.state == "handling" and case.result in RULED_OUT:
        return False
    sent = next(past for past in reversed(case.steps) if past.action.kind in (*OUTCOMES, "register"))
    same = str(case.suspect or "") == fields["suspect"] and case.lead == fields["unit"]
    mine = sent.action.by.person == by.person
    return same and (not fields.get("note") or (mine and sent.action.get("note") == fields["note"]))

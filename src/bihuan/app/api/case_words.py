"""Parts of a case in words: steps, clocks, verdicts, suspects, photos."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bihuan.app.access import hide_contacts
from bihuan.app.api.case_shapes import (
    ClockShown,
    DeclarationShown,
    EffectShown,
    EvidenceShown,
    FieldShown,
    Odd,
    PhotoShown,
    Ranking,
    Related,
    Spot,
    StepShown,
    SuspectShown,
    VerdictShown,
)
from bihuan.app.api.office import Office
from bihuan.cases import SYSTEM, Case, Clock, Outcome, Photo, Step
from bihuan.core import (
    Complaint,
    Effect,
    Language,
    NotCovered,
    Ref,
    Suspects,
    from_json,
    parse_instant,
    pollutant,
    text,
)
from bihuan.verification import unit_of_effect

INSTRUCTION = "instruction"
"""Relation of a link from what a leader's instruction (批示) is about to the case it became."""

CODED = {
    "result": "result.",
    "satisfaction": "case.",
    "clock": "case.clock_",
    "verdict": "effect.",
    "place_by": "officer.place_by_",
    "cause": "law_outlet.cause_",
    "mark": "law_outlet.state_",
    "finding": "law_outlet.finding_",
}
"""Field -> where the words of its codes stand."""
HIDDEN = frozenset({"notices", "told", "started", "effect", "sources", "notice", "cell", "district", "matter"})
OFFLINE = 60.0
"""A step that reached us this long after it was done was sent later. [s]"""


class Words:
    """Says the parts of cases in one language, with the names of the register.

    Parameters
    ----------
    office : Office
    language : str
    now : datetime
    """

    def __init__(self, office: Office, language: Language, now: datetime) -> None:
        self.office, self.language, self.now = office, language, now

    def say(self, key: str) -> str:
        """Return the words of a key, the key's own name where the texts hold none."""
        try:
            return text(key, self.language)
        except NotCovered:
            return key.partition(".")[2]

    def name(self, kind: str, ident: str) -> str:
        """Return the name of a thing of the register; empty for nothing."""
        if not ident:
            return ""
        if ident == SYSTEM.person:
            return self.say("role.system")
        return self.office.name(Ref(kind, ident), self.language)

    def of(self, ref: Ref) -> str:
        """Return the name of what a reference points at."""
        return self.name(ref.kind, ref.id)

    def odd(self, complaint: Complaint) -> Odd:
        """Return what is odd, in words."""
        words = self.say(f"complaint.{complaint.reason}")
        return Odd(reason=complaint.reason, words=words, detail=complaint.detail, severity=complaint.severity)

    def step(self, case: Case, step: Step) -> StepShown:
        """Return one step of the log."""
        action = step.action
        metres = action.place.distance(case.place) if action.place and case.place else None
        return StepShown(
            id=step.id,
            kind=action.kind,
            words=self.say(f"step.{action.kind}"),
            who=action.by.person,
            who_name=self.name("person", action.by.person),
            role_words=self.say(f"role.{step.role}"),
            before=step.before,
            after=step.after,
            after_words=self.say(f"case.state_{step.after}"),
            at=step.at,
            logged=step.logged,
            offline=(step.logged - action.at).total_seconds() > OFFLINE and action.kind != "register",
            fields=self._fields(step),
            photos=[self.photo(photo, step.id) for photo in action.photos],
            complaints=[self.odd(odd) for odd in step.complaints],
            metres=round(metres) if metres is not None else None,
        )

    def _fields(self, step: Step) -> list[FieldShown]:
        action = step.action
        return [
            FieldShown(name=name, words=self.say(f"board.field_{name}"), value=self._value(name, action.get(name)))
            for name in action.fields
            if name not in HIDDEN and action.get(name)
        ]

    def _value(self, name: str, value: str) -> str:
        if name in CODED:
            return self.say(CODED[name] + value)
        says: dict[str, Callable[[str], str]] = {
            "unit": lambda unit: self.name("unit", unit),
            "support": lambda units: self.say("officer.comma").join(self.name("unit", u) for u in units.split(",")),
            "officer": lambda person: self.name("person", person),
            "suspect": lambda ref: self.of(Ref.parse(ref)),
            "until": self._local,
            "marked_at": self._local,
            "checks": self._checks,
        }
        if name in {"reason", "note"} and value in {"duplicate", "rebound"}:
            return self.say(f"board.reason_{value}")
        if name == "reason" and value in {"no_declaration", "ordered_by_clock"}:
            return self.say(f"law_outlet.{value}")
        return says[name](value) if name in says else hide_contacts(value)

    def _local(self, at: str) -> str:
        return parse_instant(at).astimezone(self.office.zone).strftime("%Y-%m-%d %H:%M")

    def declarations(self, case: Case) -> list[DeclarationShown]:
        """Return what the enterprise said to an alarm of its outlet, the first word first."""
        return [
            DeclarationShown(
                at=said.at,
                logged=said.logged,
                by_name=self.name("person", said.by),
                cause=said.cause,
                cause_words=self.say(f"law_outlet.cause_{said.cause}"),
                mark=said.mark,
                mark_words=self.say(f"law_outlet.state_{said.mark}") if said.mark else "",
                marked_at=said.marked_at,
                after_alarm=said.after_alarm,
                note=hide_contacts(said.note),
            )
            for said in case.declarations
        ]

    def _checks(self, said: str) -> str:
        answers = (part.partition("=") for part in said.split(","))
        return "; ".join(
            f"{self.say(f'check.{code}')}: {self.say(f'officer.check_{word}')}" for code, _, word in answers
        )

    def photo(self, photo: Photo, step: str = "") -> PhotoShown:
        """Return a photo; the bytes of those of synthetic people are not kept."""
        return PhotoShown(
            digest=photo.digest,
            role=photo.role,
            role_words=self.say(f"evidence.role_{photo.role}"),
            taken=photo.taken,
            kept=photo.digest in self.office.store.blobs,
            step=step,
        )

    def photos(self, case: Case) -> list[PhotoShown]:
        """Return every photo, those of the door first."""
        opened = [self.photo(photo) for photo in case.opening.photos]
        return opened + [self.photo(photo, step.id) for step in case.steps for photo in step.action.photos]

    def clock(self, clock: Clock) -> ClockShown:
        """Return one clock."""
        return ClockShown(
            name=clock.name,
            words=self.say(f"case.clock_{clock.name}"),
            started=clock.started,
            due=clock.due,
            stopped=clock.stopped,
            limit_hours=round(clock.limit.total_seconds() / 3600, 2),
            left_hours=round(clock.left.total_seconds() / 3600, 2),
            overdue=clock.overdue,
            paused=clock.paused,
            reason=clock.reason,
            status=clock.status,
        )

    def verdicts(self, case: Case) -> list[VerdictShown]:
        """Return 办结, 核查通过(销号) and 见效, each with its own author, in this order; and the answer of a 回访."""
        found = [self._verdict("done", case.done), self._verdict("fixed", case.fixed)]
        effect = self._verdict("effective", case.effective)
        if case.effective and case.effective.ref:
            effect.effect = self._effect(case.effective.ref)
            effect.reason = self.say(f"effect.{effect.reason}") if effect.reason else ""
        found.append(effect)
        if case.kind == "complaint":
            found.append(self._verdict("revisit", case.revisit))
        return found

    def _verdict(self, kind: str, outcome: Outcome | None) -> VerdictShown:
        if outcome is None:
            return VerdictShown(kind=kind, value="", words="", at=None, by_name="", reason="")
        words = self.say(f"case.{outcome.value}")
        by = self.name("person", outcome.by)
        return VerdictShown(
            kind=kind, value=outcome.value, words=words, at=outcome.at, by_name=by, reason=hide_contacts(outcome.reason)
        )

    def _effect(self, ref: Ref) -> EffectShown | None:
        row = self.office.store.records.get("effect", ref.id)
        if row is None:
            return None
        effect = from_json(row.body, Effect)
        item = pollutant(effect.pollutant) if effect.pollutant else None
        return EffectShown(
            pollutant=(item.zh if self.language == "zh" else item.en) if item else "",
            unit=unit_of_effect(effect) if item else "",
            before=effect.before,
            after=effect.after,
            change=effect.change,
            low=effect.low,
            high=effect.high,
            method=effect.method,
        )

    def ranking(self, case: Case) -> Ranking | None:
        """Return the latest ranking that the case leans on, with what visits found."""
        refs = [ref for ref in case.sources if ref.kind == "suspects"]
        row = self.office.store.records.get("suspects", refs[-1].id) if refs else None
        if row is None:
            return None
        suspects = from_json(row.body, Suspects)
        visited = {visit.suspect: visit.result for visit in case.visits}
        ranked = [
            SuspectShown(
                ref=str(one.source),
                name=one.name,
                probability=one.probability,
                place=Spot(lon=one.place.lon, lat=one.place.lat) if one.place else None,
                distance=one.distance,
                result=visited.get(one.source, ""),
                result_words=self.say(f"result.{visited[one.source]}") if one.source in visited else "",
            )
            for one in suspects.ranked
        ]
        return Ranking(
            ref=str(suspects.ref),
            ranked=ranked,
            none_of_listed=suspects.none_of_listed,
            regional=suspects.regional,
            cannot_tell=self.say(f"tracing.{suspects.cannot_tell}") if suspects.cannot_tell else "",
        )

    def evidence(self, case: Case) -> list[EvidenceShown]:
        """Return what the case leans on, the latest of each label first."""
        return [
            EvidenceShown(ref=str(item.ref), words=self.say(item.label), digest=item.digest)
            for item in reversed(case.evidence)
        ]

    def related(self, case: Case, seen: Callable[[Case], bool]) -> list[Related]:
        """Return cases that answer for it or that it answers for, and instructions about it."""
        records = self.office.store.records
        pairs = [(Ref("case", case.merged_into), "merged_into")] if case.merged_into else []
        pairs += [(Ref("case", other), "merged") for other in case.merged]
        pairs += [(link.to_ref, INSTRUCTION) for link in records.linked(case.ref, "forward", INSTRUCTION)]
        pairs += [(link.from_ref, "about") for link in records.linked(case.ref, "back", INSTRUCTION)]
        return [found for ref, relation in pairs if (found := self._related(ref, relation, seen))]

    def _related(self, ref: Ref, relation: str, seen: Callable[[Case], bool]) -> Related | None:
        other = self.office.desk.find(ref.id) if ref.kind == "case" else None
        if other is None:
            return None if ref.kind == "case" else Related(ref=str(ref), title="", state_words="", relation=relation)
        if not seen(other):
            return None
        state = other.state_words(self.language)
        return Related(
            ref=str(ref), title=self.office.title(other, self.language), state_words=state, relation=relation
        )

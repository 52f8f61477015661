"""A case: what entered at a door, what every step changed, and every step itself.

A case never changes in place: `bihuan.cases.step` returns another one. Everything beside `opening` and
`steps` follows from them, so `bihuan.cases.replay` rebuilds a case from its log.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bihuan.cases.actions import Actor, Outcome, Pause, Photo, Step, Told, Visit
from bihuan.cases.declaring import Declaration
from bihuan.core import Complaint, Evidence, Language, Message, Place, Ref, text

CaseKind = Literal["issue", "complaint", "order", "maintenance", "outlet"]
"""问题/事件, 工单 (from the public), 交办件 (from a superior), 运维工单 (a fault), 排口超标 (an outlet's own alarm)."""

Door = Literal["alarm", "officer", "complaint", "order"]
"""How it entered: alarm or trace, grid officer's report, 12345, superior's order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What entered at the door; it never changes.

    Attributes
    ----------
    id : str
        From content.
    kind : CaseKind
    door : Door
    matter : str
        Code of ``matters.toml``.
    title : Message
    opened : datetime
        When it reached us, start of the clocks. UTC
    created : datetime
        When it was seen or said; earlier than `opened` when offline.
    by : Actor
    place : Place or None
        None when only an address was given.
    cell, district : str
    subject, suspect : Ref or None
        What was measured; which source is suspected.
    enterprise : str
        Whose outlet is suspected.
    sources : tuple of Ref
        Event, suspects, verdict.
    evidence : tuple of Evidence
    photos : tuple of Photo
    lead : str
        牵头单位 by the duty table.
    support : tuple of str
        配合单位.
    officer : str
        Person who is to go.
    routing : str
        Why it was routed so, in English; names the hole in the duty table if there is one.
    number : str
        External number: 12345 work order, document number.
    reporter : str
        Masked.
    content : str
        What was said, with telephone and identity numbers masked.
    demanded : datetime or None
        Time limit set from outside.
    complaints : tuple of Complaint
        On photos and times at the door.
    """

    id: str
    kind: CaseKind
    door: Door
    matter: str
    title: Message
    opened: datetime
    created: datetime
    by: Actor
    place: Place | None = None
    cell: str = ""
    district: str = ""
    subject: Ref | None = None
    suspect: Ref | None = None
    enterprise: str = ""
    sources: tuple[Ref, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    photos: tuple[Photo, ...] = ()
    lead: str = ""
    support: tuple[str, ...] = ()
    officer: str = ""
    routing: str = ""
    number: str = ""
    reporter: str = ""
    content: str = ""
    demanded: datetime | None = None
    complaints: tuple[Complaint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case as it stands after its last step.

    Attributes
    ----------
    opening : Opening
    state : str
        A state of ``machine.toml``; words under ``[case]`` as ``state_...``.
    since : datetime
        When the state was entered.
    steps : tuple of Step
        Every step, the registration first.
    matter, lead, support, officer, place, cell, district, suspect :
        As they stand now.
    visits : tuple of Visit
        What was found at each suspected source so far.
    handlers : tuple of str
        Everyone who signed, arrived, handled or reported; none of them may check.
    result : str
        Found on site, one of `RESULTS`.
    declarations : tuple of Declaration
        What the enterprise said to an alarm of its outlet, with the time of each word and mark.
    finding : str
        核查结论 of such an alarm in this round, one of `FINDINGS`; empty before.
    done, fixed, effective : Outcome or None
        办结, 核查通过(销号), 见效: three verdicts that never stand for one another.
    revisit : Outcome or None
        回访 of a public complaint.
    returns, reworks, rebounds : int
        退回, 返工, 反弹重开 so far.
    asked : Step id of a pending 延期申请, empty when none.
    pauses : tuple of Pause
    resume_to : str
        State to which a suspended case comes back.
    told : tuple of Told
    merged_into : str
        Case that answers for this one.
    merged : tuple of str
        Cases this one answers for.
    sources, evidence : tuple
        With everything attached since.
    """

    opening: Opening
    state: str
    since: datetime
    steps: tuple[Step, ...]
    matter: str
    place: Place | None
    cell: str
    district: str
    lead: str
    support: tuple[str, ...] = ()
    officer: str = ""
    suspect: Ref | None = None
    visits: tuple[Visit, ...] = ()
    handlers: tuple[str, ...] = ()
    result: str = ""
    declarations: tuple[Declaration, ...] = ()
    finding: str = ""
    done: Outcome | None = None
    fixed: Outcome | None = None
    effective: Outcome | None = None
    revisit: Outcome | None = None
    returns: int = 0
    reworks: int = 0
    rebounds: int = 0
    asked: str = ""
    pauses: tuple[Pause, ...] = ()
    resume_to: str = ""
    told: tuple[Told, ...] = ()
    merged_into: str = ""
    merged: tuple[str, ...] = ()
    sources: tuple[Ref, ...] = ()
    evidence: tuple[Evidence, ...] = ()

    @property
    def id(self) -> str:
        """Of the case, from content."""
        return self.opening.id

    @property
    def ref(self) -> Ref:
        """Points at this case."""
        return Ref("case", self.id)

    @property
    def kind(self) -> CaseKind:
        """问题/事件, 工单, 交办件, 运维工单 or 排口超标."""
        return self.opening.kind

    @property
    def door(self) -> Door:
        """How it entered."""
        return self.opening.door

    @property
    def opened(self) -> datetime:
        """When it reached us."""
        return self.opening.opened

    @property
    def revision(self) -> int:
        """How many steps it has; what `Action.revision` is compared with."""
        return len(self.steps)

    @property
    def level(self) -> str:
        """Highest escalation since it was last opened: empty, ``urge``, ``supervise`` or ``elevate``."""
        order = ("urge", "supervise", "elevate")
        reached = [told.level for told in self.told if told.level in order and told.at >= self._round_began]
        return max(reached, key=order.index, default="")

    @property
    def ended(self) -> bool:
        """Whether nobody has to do anything more; a public complaint only after its 回访."""
        if self.kind == "complaint" and self.state != "archived":
            return (
                self.revisit is not None and self.revisit.value != "dissatisfied" and self.state in {"closed", "void"}
            )
        return self.state in {"closed", "archived", "void", "merged"}

    @property
    def photos(self) -> tuple[Photo, ...]:
        """Every photo, those of the door first."""
        return self.opening.photos + tuple(photo for step in self.steps for photo in step.action.photos)

    @property
    def complaints(self) -> tuple[Complaint, ...]:
        """Everything odd about its evidence."""
        return self.opening.complaints + tuple(odd for step in self.steps for odd in step.complaints)

    @property
    def _round_began(self) -> datetime:
        return next((step.at for step in reversed(self.steps) if step.action.kind == "reopen"), self.opened)

    def title(self, language: Language = "zh") -> str:
        """Return its title."""
        return self.opening.title.say(language)

    def state_words(self, language: Language = "zh") -> str:
        """Return its state in the bureau's words."""
        return text(f"case.state_{self.state}", language)

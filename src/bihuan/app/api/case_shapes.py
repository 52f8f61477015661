"""What the interface says about a case, as models; the words are in the language of whoever asks."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from bihuan.app.api.errors import Problem


class Spot(BaseModel):
    """A point of the ground, CGCS2000 / WGS84."""

    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)


class Named(BaseModel):
    """Something by its reference or code, with its name."""

    ref: str
    name: str


class Odd(BaseModel):
    """Something odd about a photo, a place or a time; flagged, never a reason to refuse."""

    reason: str
    words: str
    detail: str
    severity: str


class BoardLine(BaseModel):
    """One case on the board."""

    id: str
    title: str
    state: str
    state_words: str
    kind: str
    kind_words: str
    door: str
    matter: str
    matter_words: str
    district: str
    district_name: str
    lead: str
    lead_name: str
    officer: str
    officer_name: str
    suspect_name: str
    place: Spot | None
    opened: datetime
    since: datetime
    due: datetime | None = Field(description="of the running clock that ends first")
    due_words: str
    left_hours: float | None = Field(description="counted hours left of that clock; negative when overdue")
    overdue: bool
    paused: bool
    level: str
    level_words: str
    done: str
    fixed: str
    effective: str
    result: str
    result_words: str
    rebounds: int
    photos: int
    mine: bool = Field(description="whether this person, or the unit of this person, has to act now")
    ended: bool
    revision: int


class Column(BaseModel):
    """One state of the board."""

    state: str
    words: str
    count: int
    overdue: int


class Board(BaseModel):
    """The board: counts over everything that this person may see and the filters let through, and one page of it."""

    now: datetime
    total: int
    overdue: int
    mine: int
    page: int
    pages: int
    columns: list[Column]
    districts: list[Named]
    cases: list[BoardLine]


class PhotoShown(BaseModel):
    """A photo of a case; `kept` is false when only its digest is known here."""

    digest: str
    role: str
    role_words: str
    taken: datetime | None
    kept: bool
    step: str = Field(description="id of the step that showed it, empty for the door")


class FieldShown(BaseModel):
    """One field of a step, in words."""

    name: str
    words: str
    value: str


class StepShown(BaseModel):
    """One step of the log."""

    id: str
    kind: str
    words: str
    who: str
    who_name: str
    role_words: str
    before: str
    after: str
    after_words: str
    at: datetime = Field(description="when it was done, as it counts for the clocks")
    logged: datetime = Field(description="when it reached us")
    offline: bool = Field(description="whether it was done without network and sent later")
    fields: list[FieldShown]
    photos: list[PhotoShown]
    complaints: list[Odd]
    metres: float | None = Field(description="from the case to where the actor stood")


class ClockShown(BaseModel):
    """One clock of a case."""

    name: str
    words: str
    started: datetime
    due: datetime
    stopped: datetime | None
    limit_hours: float
    left_hours: float
    overdue: bool
    paused: bool
    reason: str
    status: str = Field(description="how sure the source of the limit is; all but confirmed print a mark")


class EffectShown(BaseModel):
    """Before and after, with the weather taken out as far as it can be."""

    pollutant: str
    unit: str
    before: float | None
    after: float | None
    change: float | None
    low: float | None
    high: float | None
    method: str


class VerdictShown(BaseModel):
    """One of the three verdicts, which never stand for one another."""

    kind: str
    value: str
    words: str
    at: datetime | None
    by_name: str
    reason: str
    effect: EffectShown | None = None


class SuspectShown(BaseModel):
    """One row of the ranking, with its odds and what a visit found."""

    ref: str
    name: str
    probability: float
    place: Spot | None
    distance: float | None
    result: str
    result_words: str


class Ranking(BaseModel):
    """The latest ranking of the case, with the answers that name nobody."""

    ref: str
    ranked: list[SuspectShown]
    none_of_listed: float
    regional: float
    cannot_tell: str


class EvidenceShown(BaseModel):
    """What the case leans on, by reference."""

    ref: str
    words: str
    digest: str


class Need(BaseModel):
    """What a step asks for: one of `names`."""

    names: list[str]
    optional: bool


class StepOpen(BaseModel):
    """A step that this person may take now, and what it needs."""

    kind: str
    words: str
    to: str = Field(description="state after it, empty when the state stays")
    needs: list[Need]


class ToldShown(BaseModel):
    """Whom an escalation told, and whether it was read."""

    level: str
    level_words: str
    clock_words: str
    to_name: str
    at: datetime
    read: datetime | None
    notice: str = Field(description="id of the notice when it went to this person and was not read, else empty")


class Related(BaseModel):
    """Another case, or what an instruction is about."""

    ref: str
    title: str
    state_words: str
    relation: str


class Check(BaseModel):
    """One item of the check-list."""

    code: str
    words: str


class Asked(BaseModel):
    """An extension that waits for an answer."""

    who_name: str
    hours: float
    reason: str


class DeclarationShown(BaseModel):
    """One word of the enterprise to an alarm of its outlet, with its times as they were."""

    at: datetime
    logged: datetime
    by_name: str
    cause: str
    cause_words: str
    mark: str
    mark_words: str
    marked_at: datetime | None
    after_alarm: bool = Field(description="the mark was set only after the alarm; it is kept as such")
    note: str


class CaseDetail(BoardLine):
    """A case with everything that a person needs who acts on it."""

    number: str
    content: str
    has_personal: bool = Field(
        description="whether there is a reporter, a position or a telephone, read by its own audited route"
    )
    door_words: str
    cell: str
    cell_name: str
    routing: str
    support: list[Named]
    subject: Named | None
    enterprise_name: str
    ranking: Ranking | None
    evidence: list[EvidenceShown]
    steps: list[StepShown]
    clocks: list[ClockShown]
    verdicts: list[VerdictShown]
    told: list[ToldShown]
    photo_list: list[PhotoShown]
    complaints: list[Odd]
    related: list[Related]
    asked: Asked | None
    checklist: list[Check]
    declarations: list[DeclarationShown]
    finding: str
    finding_words: str
    allowed: list[StepOpen]
    ahead: dict[str, list[StepOpen]] = Field(description="what this person may do once the case is in that state")


class CaseConflict(Problem):
    """The step was not taken: what changed since the person looked, and how the case stands now."""

    changed: list[StepShown]
    case: CaseDetail | None


class Personal(BaseModel):
    """Personal data of a case, masked where the role does not read it clear; every reading is in the audit log."""

    reporter: str
    contacts: list[Contact]
    positions: list[Position]


class Contact(BaseModel):
    """How to reach somebody who works on the case."""

    person: str
    name: str
    phone: str
    email: str


class Position(BaseModel):
    """Where somebody stood."""

    step: str
    who_name: str
    at: datetime
    place: Spot


class MatterShown(BaseModel):
    """A kind of problem with its check-list."""

    code: str
    words: str
    medium: str
    grid_officer: bool
    checklist: list[Check]


class Choices(BaseModel):
    """What the forms of a case offer."""

    matters: list[MatterShown]
    units: list[Named]
    results: list[Named]
    satisfactions: list[Named]
    causes: list[Named] = Field(description="what an enterprise may say to an alarm of its outlet")
    marks: list[Named] = Field(description="marks that it may have set under the rules of marking")
    findings: list[Named] = Field(description="what may be found of such an alarm")

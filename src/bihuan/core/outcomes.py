"""What the loop concludes: verdicts, events, suspects, evidence and the measured effect.

Each explains itself: inputs as `Ref`, clause, method with version, how sure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bihuan.core.ids import Ref
from bihuan.core.periods import Period
from bihuan.core.places import Place
from bihuan.core.quality import Level

Status = Literal["confirmed", "single_source", "unconfirmed", "conflicting"]
"""How sure the text of a rule is; all but ``confirmed`` print 待核."""

EventKind = Literal["pattern", "limit", "silence"]
"""异常提示 (a pattern), 超标报警 (a limit), 离线/数据缺失 (silence)."""

EffectVerdict = Literal["effective", "not_effective", "cannot_tell"]
"""见效, 未见效, 无法评估."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One conclusion about one subject and period under one rule of law.

    Attributes
    ----------
    id : str
        From content: kind, subject, period, rule.
    kind : str
        ``aqi_hour aqi_day outlet_hour outlet_day section_class index rank ...``
    subject : Ref
    period : Period
    value : float or None
        None when the data does not allow a value; `reason` then says why.
    unit : str
    label : str
        Code of the grade or class (``good``, ``III``, ``over``); its words stand in ``texts``.
    standard, clause : str
        Rule it was judged by.
    status : Status
        How sure that rule is.
    items : tuple of (str, float or None, int or None)
        Parts of the result: pollutant, concentration as judged, sub-index.
    primary : tuple of str
        Primary pollutants, ties together.
    inputs : tuple of Ref
        Readings or verdicts it was made from.
    method : str
        Name and version.
    level : Level
    reason : str
        Why there is no value, or what limits it.
    notes : tuple of (str, str)
        What belongs to the result and is no figure, by name: a mark, a declared condition, the limit that holds beside.
    """

    id: str
    kind: str
    subject: Ref
    period: Period
    value: float | None
    unit: str
    label: str
    standard: str
    clause: str
    status: Status
    items: tuple[tuple[str, float | None, int | None], ...] = ()
    primary: tuple[str, ...] = ()
    inputs: tuple[Ref, ...] = ()
    method: str = ""
    level: Level = "realtime"
    reason: str = ""
    notes: tuple[tuple[str, str], ...] = ()

    @property
    def ref(self) -> Ref:
        """Points at this verdict."""
        return Ref("verdict", self.id)


@dataclass(frozen=True, slots=True)
class Event:
    """Something detected: from its onset it has one id for good.

    Attributes
    ----------
    id : str
        From content: rule, subject, onset.
    rule : str
        Id of the rule that found it.
    kind : EventKind
    subject : Ref
        Station, outlet, section, city it is about.
    place : Place or None
    onset : datetime as part of `period`
        First period that spoke for it, up to the last one seen.
    pollutant : str
        Empty for silence.
    grade : str
        Level of the rule: ``note``, ``minor``, ``major`` ...
    value, threshold : float or None
        What was seen against what is allowed, unit of the pollutant.
    inputs : tuple of Ref
    method : str
    open : bool
        False once the rule fell back.
    """

    id: str
    rule: str
    kind: EventKind
    subject: Ref
    place: Place | None
    period: Period
    pollutant: str
    grade: str
    value: float | None
    threshold: float | None
    inputs: tuple[Ref, ...] = ()
    method: str = ""
    open: bool = True

    @property
    def ref(self) -> Ref:
        """Points at this event."""
        return Ref("event", self.id)


@dataclass(frozen=True, slots=True)
class Suspect:
    """One candidate and how probable it is.

    Attributes
    ----------
    source : Ref
    name : str
    place : Place or None
    probability : float
        0-1; all rows of one `Suspects` add up to 1.
    rate, rate_low, rate_high : float or None
        Emission that explains the rise, with its 80 % interval. [g/s]
    hours : tuple of Period
        Periods that speak for it.
    distance : float or None
        From the station with the largest rise. [m]
    wind_from : float or None
        Mean wind while it spoke. [degrees]
    """

    source: Ref
    name: str
    place: Place | None
    probability: float
    rate: float | None = None
    rate_low: float | None = None
    rate_high: float | None = None
    hours: tuple[Period, ...] = ()
    distance: float | None = None
    wind_from: float | None = None


@dataclass(frozen=True, slots=True)
class Suspects:
    """Ranked candidates for one event, with the answers that name nobody.

    Attributes
    ----------
    id : str
        From content: event, method, period.
    event : Ref
    pollutant : str
    period : Period
        What was looked at.
    ranked : tuple of Suspect
        Most probable first.
    none_of_listed : float
        Probability of 清单外来源. 0-1
    regional : float
        Probability of 区域传输. 0-1
    cannot_tell : str
        Why no conclusion is possible, empty when there is one.
    inputs : tuple of Ref
    method : str
    notes : tuple of (str, str)
        What was left out or is bad in the data: a key of ``texts`` under ``[tracing]`` and its ``{value}``.
    """

    id: str
    event: Ref
    pollutant: str
    period: Period
    ranked: tuple[Suspect, ...]
    none_of_listed: float
    regional: float
    cannot_tell: str = ""
    inputs: tuple[Ref, ...] = ()
    method: str = ""
    notes: tuple[tuple[str, str], ...] = ()

    @property
    def ref(self) -> Ref:
        """Points at this ranking."""
        return Ref("suspects", self.id)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something a case leans on, by reference and digest; cases never hold the science itself.

    Attributes
    ----------
    ref : Ref
    label : str
        Key of ``texts``: ``evidence.series``, ``evidence.photo`` ...
    media_type : str
    digest : str
        Of the stored bytes, empty when the ref is a row whose id is already its content.
    """

    ref: Ref
    label: str
    media_type: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """Before and after a case was handled, with the weather taken out as far as it can be.

    Attributes
    ----------
    id : str
    case : Ref
    pollutant : str
    before, after : float or None
        Mean excess over the upwind background, unit of the pollutant.
    change, low, high : float or None
        after - before with its 90 % interval.
    verdict : EffectVerdict
    reason : str
        Why it cannot be told, empty otherwise.
    inputs : tuple of Ref
    method : str
    """

    id: str
    case: Ref
    pollutant: str
    before: float | None
    after: float | None
    change: float | None
    low: float | None
    high: float | None
    verdict: EffectVerdict
    reason: str = ""
    inputs: tuple[Ref, ...] = ()
    method: str = ""

    @property
    def ref(self) -> Ref:
        """Points at this effect."""
        return Ref("effect", self.id)

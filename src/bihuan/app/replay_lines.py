"""One line of a replay, stamped, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

from bihuan.alerts import RuleRow, Speaks, default_rules, describe, kind_words
from bihuan.core import Event, Language, Period, iso, local_date, plain, text

Kind = Literal["episode", "day", "event", "note"]

IndexOf = Literal["published", "own"]
"""Whose hourly AQI the plans are read with: the one its feed published at the time, or ours, by the standard."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a replay.

    Attributes
    ----------
    kind : str
        ``episode`` and ``day`` of a plan, ``event`` of a rule, ``note`` where nothing could be graded.
    site, name : str
    period : Period
        The episode, the natural day, or from the onset of the event to its end.
    grade : str
        ``blue yellow orange red`` of a plan, ``note minor major`` of a rule.
    scheme, number, status : str
        The plan and how sure its text is (all but ``confirmed`` print 待核), or the rule.
    what_if : bool
        Whether the plan was not in force on these days.
    value : float or None
        Mean AQI of the day; highest 24-hour mean of the episode; what the event saw.
    speaks : tuple of Speaks
        Hours that speak for the grade.
    event : Event or None
    index : str
        ``published`` or ``own``: whose hourly AQI was graded; empty where none was.
    zone : ZoneInfo
    """

    kind: Kind
    site: str
    name: str
    period: Period
    zone: ZoneInfo
    grade: str = ""
    scheme: str = ""
    number: str = ""
    status: str = ""
    what_if: bool = False
    value: float | None = None
    speaks: tuple[Speaks, ...] = ()
    event: Event | None = None
    index: str = ""

    def as_dict(self, language: Language = "zh") -> dict[str, Any]:
        """Return plain values for JSON."""
        found: dict[str, Any] = {
            "kind": self.kind,
            "site": self.site,
            "name": self.name,
            "start": iso(self.period.start),
            "end": iso(self.period.end),
            "day": str(local_date(self.period.start, self.zone)),
            "grade": self.grade,
            "scheme": self.scheme,
            "number": self.number,
            "status": self.status,
            "what_if": self.what_if,
            "index": self.index,
            "value": self.value,
            "speaks": [
                {"start": iso(one.period.start), "end": iso(one.period.end), "above": one.above, "highest": one.highest}
                for one in self.speaks
            ],
            "stamp": text("warning.replay_stamp", language),
        }
        if self.event is not None:
            found["event"] = plain(self.event)
        return found

    def words(self, language: Language = "zh") -> str:
        """Return one line a person reads, stamped."""
        return text(
            "cli.replay_line", language, stamp=text("warning.replay_stamp", language), line=self._line(language)
        )

    def _line(self, language: Language) -> str:
        if self.event is not None:
            return f"{self._span()} {kind_words(self.event, language)} " + describe(
                self.event, _rule(self.event.rule), self.name, language
            )
        if self.kind == "note":
            return text("cli.replay_no_plan", language, name=self.name)
        plan = self.number if self.status == "confirmed" else f"{self.number},{text('warning.unconfirmed', language)}"
        return text(
            f"cli.replay_{self.kind}",
            language,
            name=self.name,
            span=self._span(),
            grade=text(f"warning.{self.grade}", language),
            plan=plan,
            what_if=text("cli.replay_what_if", language) if self.what_if else "",
            index=text(f"cli.replay_{self.index}", language),
            value="-" if self.value is None else f"{self.value:.1f}",
            speaks="; ".join(_speaks_words(one, self.zone, language) for one in self.speaks),
        )

    def _span(self) -> str:
        first, last = (at.astimezone(self.zone) for at in (self.period.start, self.period.end))
        return f"{first:%Y-%m-%d}" if self.kind == "day" else f"{first:%Y-%m-%d %H:%M} - {last:%Y-%m-%d %H:%M}"


def _speaks_words(one: Speaks, zone: ZoneInfo, language: Language) -> str:
    first, last = (at.astimezone(zone) for at in (one.period.start, one.period.end))
    hours = int(one.period.length.total_seconds() // 3600)
    span = f"{first:%m-%d %H:%M} - {last:%m-%d %H:%M}"
    return text(
        "cli.replay_speaks", language, above=f"{one.above:g}", span=span, hours=hours, highest=f"{one.highest:.1f}"
    )


def _rule(ident: str) -> RuleRow:
    return next(rule for rule in default_rules() if rule.id == ident)

"""What the terminal shows of the running loop: alerts, suspects with their odds, cases and their clocks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bihuan.alerts import RuleRow, describe, kind_words
from bihuan.app.loop import TICK
from bihuan.app.outcome import Outcome
from bihuan.app.pacing import Pacing
from bihuan.app.rig import CityRun
from bihuan.cases import Calendar, Case, running, title_of
from bihuan.core import Event, Language, Ref, Suspects, Verdict, local_date, pollutant, text

ALERT_ROWS, CASE_ROWS, SUSPECT_ROWS, STATION_ROWS = 7, 9, 5, 6
BAR = 18
"""Width of a probability of 1. [characters]"""

KIND_STYLE = {"limit": "bold red", "pattern": "yellow", "silence": "magenta"}
AQI_STYLE = {
    "good": "black on #00e400",
    "moderate": "black on #ffff00",
    "light": "black on #ff7e00",
    "medium": "white on #ff0000",
    "heavy": "white on #99004c",
    "severe": "white on #7e0023",
}
"""Colours of HJ 633 table 2; the label stands beside them, so that nobody depends on the colour."""


class Screen:
    """The last state of everything that is shown.

    Parameters
    ----------
    run : CityRun
    language : Language
    zone : ZoneInfo
    pacing : Pacing
        How fast the city's time goes by.
    """

    def __init__(self, run: CityRun, language: Language, zone: ZoneInfo, pacing: Pacing) -> None:
        self._run, self._language, self._zone, self._pacing = run, language, zone, pacing
        self._rules: dict[str, RuleRow] = {rule.id: rule for rule in run.loop.rules.rules}
        self._calendar = Calendar()
        self._events: dict[str, Event] = {}
        self._aqi: dict[str, Verdict] = {}
        self._ranking: Suspects | None = None
        self._told_verdicts = 0

    def take(self, outcome: Outcome) -> None:
        """Take in what one step brought."""
        for event in outcome.events:
            self._events.pop(event.id, None)
            self._events[event.id] = event
        for verdict in outcome.verdicts:
            self._told_verdicts += 1
            if verdict.kind == "aqi_hour":
                self._aqi[str(verdict.subject)] = verdict
        for found in outcome.suspects:
            if found.ranked and found.method != "own_reading/1":
                self._ranking = found

    def draw(self) -> RenderableType:
        """Return the whole screen."""
        layout = Layout()
        layout.split_column(Layout(self._head(), size=3), Layout(name="body"), Layout(self._foot(), size=3))
        layout["body"].split_row(Layout(name="left", ratio=5), Layout(name="right", ratio=4))
        layout["left"].split_column(Layout(self._alerts(), ratio=4), Layout(self._cases(), ratio=5))
        layout["right"].split_column(Layout(self._suspects(), ratio=5), Layout(self._stations(), ratio=4))
        return layout

    def summary(self) -> RenderableType:
        """Return alerts and cases one below the other, for the end and for terminals that cannot be redrawn."""
        return Group(self._alerts(), self._suspects(), self._cases())

    def lines(self, outcome: Outcome) -> Iterator[str]:
        """Return a line for each alarm that a step raised."""
        for event in outcome.events:
            if event.open and event.period.end >= outcome.now - TICK * 2:
                words = describe(event, self._rules[event.rule], self._name(event.subject), self._language)
                yield f"{self._clock(event.period.start)}  {kind_words(event, self._language)}  {words}"

    def _say(self, key: str, **values: object) -> str:
        return text(f"demo.{key}", self._language, **values)

    def _clock(self, instant: datetime, shape: str = "%m-%d %H:%M") -> str:
        return instant.astimezone(self._zone).strftime(shape)

    def _head(self) -> Panel:
        plan = self._run.city.plan
        now = self._clock(self._run.city.now, "%Y-%m-%d %H:%M")
        mode = self._say("rough" if plan.rough else "easy")
        pace = f"{self._pacing.pace or 0:g}"
        return Panel(Text(self._say("head", now=now, seed=plan.seed, mode=mode, pace=pace), style="bold"))

    def _foot(self) -> Panel:
        counts = self._run.loop.ingest.counts
        acknowledged = self._run.wire.gateway.counters.frames_acknowledged
        words = self._say(
            "foot",
            frames=counts.frames,
            acknowledged=acknowledged,
            readings=counts.readings,
            complaints=sum(counts.complaints.values()),
            verdicts=self._told_verdicts,
        )
        return Panel(Text(words, style="dim"))

    def _alerts(self) -> Panel:
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(ratio=1, overflow="fold")
        newest = sorted(self._events.values(), key=lambda event: (event.open, event.period.end), reverse=True)
        for event in newest[:ALERT_ROWS]:
            style = KIND_STYLE[event.kind] if event.open else "dim"
            words = describe(event, self._rules[event.rule], self._name(event.subject), self._language)
            table.add_row(self._clock(event.period.start), kind_words(event, self._language), words, style=style)
        if not newest:
            table.add_row("", "", self._say("no_alert"))
        return Panel(table, title=self._say("alerts"), title_align="left")

    def _suspects(self) -> Panel:
        found = self._ranking
        if found is None:
            return Panel(self._say("no_trace"), title=self._say("suspects"), title_align="left")
        event = self._events.get(found.event.id)
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(ratio=1, overflow="fold")
        table.add_column(width=BAR)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        for suspect in found.ranked[:SUSPECT_ROWS]:
            distance = "" if suspect.distance is None else f"{suspect.distance / 1000:.1f} km"
            table.add_row(suspect.name, *_odds(suspect.probability), distance)
        table.add_row(self._say("none_of_listed"), *_odds(found.none_of_listed), "", style="cyan")
        table.add_row(self._say("regional"), *_odds(found.regional), "", style="cyan")
        parts: list[RenderableType] = [table]
        if event is not None:
            where = self._name(event.subject)
            item = pollutant(found.pollutant)
            name = item.zh if self._language == "zh" else item.en
            about = self._say("traced", place=where, pollutant=name, time=self._clock(event.period.start))
            parts.insert(0, Text(about, style="bold"))
        if found.cannot_tell:
            parts.append(Text(text(f"tracing.{found.cannot_tell}", self._language), style="magenta"))
        return Panel(Group(*parts), title=self._say("suspects"), title_align="left")

    def _cases(self) -> Panel:
        table = Table.grid(padding=(0, 1), expand=True)
        for ratio in (0, 1, 0, 0):
            table.add_column(ratio=ratio or None, no_wrap=not ratio, overflow="fold")
        cases = sorted(
            (case for case in self._run.loop.desk.cases if case.state != "merged"),
            key=lambda case: (not case.ended, case.since),
            reverse=True,
        )
        town = self._run.loop.town
        for case in cases[:CASE_ROWS]:
            state = case.state_words(self._language)
            style = "dim" if case.ended else "bold" if case.level else ""
            title = title_of(case, town.register, town.on, self._language)
            table.add_row(self._clock(case.opened), title, state, self._marks(case), style=style)
        if not cases:
            table.add_row("", self._say("no_case"), "", "")
        return Panel(table, title=self._say("cases", open=len(self._run.loop.desk.open_cases)), title_align="left")

    def _marks(self, case: Case) -> str:
        """Its nearest clock while it runs, then the verdicts it has earned."""
        earned = [text(f"case.{o.value}", self._language) for o in (case.fixed, case.effective) if o is not None]
        if earned or case.ended:
            return " ".join(earned)
        going = [clock for clock in running(case, self._run.city.now, self._calendar) if not clock.paused]
        if not going:
            return ""
        clock = min(going, key=lambda clock: clock.due)
        hours = f"{abs(clock.left.total_seconds()) / 3600:.1f}"
        return text("case.hours_over" if clock.overdue else "case.hours_left", self._language, hours=hours)

    def _stations(self) -> Panel:
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(ratio=1, overflow="fold")
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        city = self._aqi.get(str(self._run.loop.town.ref))
        stations = [verdict for verdict in self._aqi.values() if verdict is not city and verdict.value is not None]
        worst = sorted(stations, key=lambda verdict: (-(verdict.value or 0), str(verdict.subject)))
        for verdict in ([city] if city else []) + worst[:STATION_ROWS]:
            value = "-" if verdict.value is None else f"{verdict.value:.0f}"
            label = text(f"aqi.{verdict.label}", self._language) if verdict.label in AQI_STYLE else ""
            primary = " ".join(pollutant(code).en for code in verdict.primary)
            style = AQI_STYLE.get(verdict.label, "")
            name = self._say("city") if verdict is city else self._name(verdict.subject)
            table.add_row(name, Text(f" {value} ", style=style), label, primary)
        as_of = self._clock(city.period.end, "%H:%M") if city else "--:--"
        return Panel(table, title=self._say("stations", time=as_of), title_align="left")

    def _name(self, ref: Ref) -> str:
        if ref == self._run.loop.town.ref:
            return self._say("city")
        fact = self._run.city.plan.register.resolve(ref, local_date(self._run.city.now, self._zone))
        return fact.name if fact else ref.id


def _odds(probability: float) -> tuple[Text, str]:
    """A bar and the number; what is not certain is never printed as 0 % or 100 %."""
    percent = "<1%" if probability < 0.01 else ">99%" if probability > 0.99 else f"{probability * 100:.0f}%"
    return Text("█" * max(round(probability * BAR), 0), style="yellow"), percent

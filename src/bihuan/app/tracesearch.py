"""What to do next about a ranking: where to search, where to drive the mobile monitor, and what would change the odds.

Computed anew from what is stored, like the sheet, and kept by the id of the ranking and the findings that counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from bihuan.app.findings import FINDING_WEIGHT, CellPrior, Prior, cell_of, learned
from bihuan.app.lastanswers import LastAnswers
from bihuan.app.suspicion import Suspicion, model_of
from bihuan.app.town import Town
from bihuan.app.tracesheet import readings_of
from bihuan.cases import Case
from bihuan.core import Event, Period, Ref, Series, Suspects, Weather
from bihuan.store import Store
from bihuan.tracing import HiddenMap, PlumeTracer, SearchArea, Stop, plan_round, search_areas, search_hidden

TURN = 20.0
"""Error of the mean wind that is tried: about that of the rough weather that tracing is judged by. [degrees]"""


@dataclass(frozen=True, slots=True)
class Change:
    """What the ranking would say if one thing were otherwise.

    Attributes
    ----------
    kind : str
        ``cleared`` (the first suspect is visited and nothing is found), ``veered`` and ``backed`` (the wind came from
        `TURN` degrees further clockwise, or anticlockwise), ``without_station``, ``without_findings``.
    about : Ref or None
        The suspect or station.
    first : Ref or None
        Likeliest suspect then.
    answer : str
        ``suspect``, ``none`` or ``regional``: the likeliest answer then.
    probability : float
        Of that answer.
    before : float
        Then, of the answer that is the likeliest now.
    changes : bool
        Whether another answer would stand first.
    """

    kind: str
    about: Ref | None
    first: Ref | None
    answer: str
    probability: float
    before: float
    changes: bool


@dataclass(frozen=True, slots=True, eq=False)
class TraceSearch:
    """All of it.

    Attributes
    ----------
    hidden : HiddenMap or None
        None where no station has a value or no wind is known, or the event named its source itself.
    areas : tuple of SearchArea
        Widest first.
    stops : tuple of Stop
    changes : tuple of Change
    prior : Prior
        Findings that counted in the ranking.
    cell : CellPrior or None
        What they did to 清单外来源 at this station.
    """

    hidden: HiddenMap | None
    areas: tuple[SearchArea, ...]
    stops: tuple[Stop, ...]
    changes: tuple[Change, ...]
    prior: Prior
    cell: CellPrior | None


class TraceSearches:
    """Makes answers and keeps the last ones.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: LastAnswers[tuple[object, ...], TraceSearch] = LastAnswers()

    def search(self, town: Town, event: Event, found: Suspects, cases: Iterable[Case]) -> TraceSearch:
        """Return the answer for a ranking."""
        prior = learned(cases, found.period.end, town.register)
        key = (found.id, *((one.case, one.source, one.result) for one in prior.findings))
        return self._kept.get(key, lambda: make_search(self._store, town, event, found, prior))


def make_search(store: Store, town: Town, event: Event, found: Suspects, prior: Prior) -> TraceSearch:
    """Return the answer for a ranking from stored readings.

    Parameters
    ----------
    store, town
    event : Event
    found : Suspects
    prior : Prior
        Findings in force at the end of the ranking.
    """
    if not found.method.startswith("plume-tracer/") or event.period.start >= found.period.end:
        return TraceSearch(None, (), plan_round(None, found, town.plane), (), prior, None)
    suspicion = Suspicion(town, model=model_of(found.method))
    # the event went on after it was traced; the tracer saw it up to the end of its own period
    seen = replace(event, period=Period(event.period.start, found.period.end))
    rows = readings_of(store, town, event, found, suspicion)
    asked = Asking.of(suspicion, town, seen, rows, prior)
    hidden = search_hidden(asked.tracer, seen, asked.series, town.sources, asked.weather)
    return TraceSearch(
        hidden,
        () if hidden is None else search_areas(hidden, town.plane),
        plan_round(hidden, found, town.plane),
        asked.changes(found),
        prior,
        prior.of_cell(asked.cell, suspicion.tracer.settings.hidden_share),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Asking:
    """A question to the tracer that can be put otherwise."""

    tracer: PlumeTracer
    plain: PlumeTracer
    event: Event
    series: tuple[Series, ...]
    weather: Weather
    town: Town
    prior: Prior
    cell: str

    @classmethod
    def of(cls, suspicion: Suspicion, town: Town, event: Event, rows: pl.DataFrame, prior: Prior) -> Asking:
        """Put it as `Suspicion.rank` does."""
        cell = cell_of(event.subject, town.register, event.period.end)
        series, weather = suspicion.series(rows, event.pollutant), suspicion.weather(rows)
        plain = suspicion.tracer
        return cls(prior.fitted(plain, cell), plain, event, series, weather, town, prior, cell)

    def changes(self, found: Suspects) -> tuple[Change, ...]:
        """Ask again with one thing otherwise each time; nothing where the tracer cannot tell anyway."""
        if found.cannot_tell or not found.ranked:
            return ()
        weights, rows = self.prior.weights, []
        listed = {source.ref for source in self.town.sources}
        first = found.ranked[0]
        if _first(found)[0] == "suspect":
            cleared = weights | {first.source: weights.get(first.source, 1.0) * FINDING_WEIGHT["not_found"]}
            rows.append(_change("cleared", first.source, found, self._rank(weights=cleared)))
        for kind, turn in (("veered", TURN), ("backed", -TURN)):
            turned = replace(self.weather, wind_from=(self.weather.wind_from + turn) % 360)
            rows.append(_change(kind, None, found, self._rank(weather=turned)))
        loudest = self._loudest()
        if loudest is not None:
            rest = [one for one in self.series if one.site != str(loudest)]
            rows.append(_change("without_station", loudest, found, self._rank(series=rest)))
        if listed & set(weights) or self.tracer is not self.plain:
            rows.append(_change("without_findings", None, found, self._rank(weights={}, tracer=self.plain)))
        return tuple(rows)

    def _rank(
        self,
        series: Sequence[Series] | None = None,
        weather: Weather | None = None,
        weights: dict[Ref, float] | None = None,
        tracer: PlumeTracer | None = None,
    ) -> Suspects:
        return (tracer or self.tracer).rank(
            self.event,
            self.series if series is None else series,
            self.town.sources,
            weather or self.weather,
            self.prior.weights if weights is None else weights,
        )

    def _loudest(self) -> Ref | None:
        """Of the stations beside that of the event, the one that rose most: its word weighs most after it."""
        best, top = None, 0.0
        for one in self.series:
            if one.site == str(self.event.subject):
                continue
            late = one.start >= pl.Series([self.event.period.start]).dt.replace_time_zone(None).to_numpy()[0]
            values = pl.Series(one.value).fill_nan(None)
            before, during = values.filter(~late & one.usable).median(), values.filter(late & one.usable).max()
            if isinstance(before, float) and isinstance(during, float) and during - before > top:
                best, top = Ref.parse(one.site), during - before
        return best


def _first(found: Suspects) -> tuple[str, float]:
    """The likeliest answer and its probability."""
    listed = found.ranked[0].probability if found.ranked else 0.0
    rows = (("suspect", listed), ("none", found.none_of_listed), ("regional", found.regional))
    return max(rows, key=lambda row: row[1])


def _change(kind: str, about: Ref | None, now: Suspects, then: Suspects) -> Change:
    stood = _first(now)[0]
    answer, probability = _first(then)
    first = then.ranked[0].source if then.ranked else None
    if stood == "suspect":
        source = now.ranked[0].source
        before = next((one.probability for one in then.ranked if one.source == source), 0.0)
        same = answer == "suspect" and first == source
    else:
        before = then.none_of_listed if stood == "none" else then.regional
        same = answer == stood
    return Change(kind, about, first, answer, probability, before, not same)

"""One small city, lived once through the real gateway and shared by every test that only looks at it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bihuan.app.city import City
from bihuan.app.loop import Loop
from bihuan.app.notify import Notifications, OutboxNotifier
from bihuan.app.outcome import Outcome
from bihuan.app.rig import CityRun
from bihuan.cases import Action
from bihuan.core import CHINA, CaseError, to_json
from bihuan.register import Fact
from bihuan.store import Journal, Record, encode_entry, open_store

SEED, HOURS = 5, 9


@dataclass
class Lived:
    """A run as the loop knows it: the register, the frames, what people did, and what was concluded.

    Attributes
    ----------
    frames : dict of instant to records
        Frames of each tick, as the gateway journalled them.
    deeds : dict of instant to (case, Action)
    """

    run: CityRun
    facts: list[Fact]
    began: datetime
    outcomes: list[Outcome] = field(default_factory=list)
    deeds: dict[datetime, list[tuple[str, Action]]] = field(default_factory=dict)

    @property
    def frames(self) -> dict[datetime, list[Record]]:
        records = self.run.store.journal.follow("g1")
        return {at: list(part) for at, part in itertools.groupby(records, key=lambda record: record.received)}


@contextmanager
def live(home: Path) -> Iterator[Lived]:
    """Let the city live to its end."""
    with CityRun(City(SEED, HOURS), home) as run:
        lived = Lived(run, run.store.records.facts(), run.city.start)
        act = run._act

        def noted(ident: str, action: Action) -> None:
            lived.deeds.setdefault(run.city.now, []).append((ident, action))
            act(ident, action)

        run._act = noted  # type: ignore[method-assign]
        lived.outcomes.extend(run.ticks())
        yield lived


Order = Callable[[list[Record]], Sequence[tuple[str, Record]]]
"""What comes by which gateway, in which order."""


def as_it_came(records: list[Record]) -> Sequence[tuple[str, Record]]:
    return [("g1", record) for record in records]


def heard_again(lived: Lived, home: Path, order: Order = as_it_came) -> list[Outcome]:
    """Step a loop of its own through the same instants: no city, only the register, the frames and people's deeds."""
    frames = lived.frames
    outcomes = []
    with open_store(home) as store:
        store.records.save_facts(lived.facts)
        outbox = OutboxNotifier(home / "outbox")
        loop = Loop(store, CHINA, Notifications([outbox], home / "notices.jsonl"), lived.began)
        journals: dict[str, Journal] = {}
        for now in (outcome.now for outcome in lived.outcomes):
            entries: dict[str, list[bytes]] = {}
            for gateway, record in order(frames.get(now, [])):
                entry = encode_entry(record.raw, record.received, record.peer, record.status)
                entries.setdefault(gateway, []).append(entry)
            for gateway, group in entries.items():
                if gateway not in journals:
                    journals[gateway] = Journal(home / "journal", gateway)
                journals[gateway].append(group)
            for ident, action in lived.deeds.get(now, []):
                try:
                    loop.desk.act(ident, action)
                except CaseError:
                    assert lived.run.refused
            outcomes.append(loop.step(now))
        for journal in journals.values():
            journal.close()
    return outcomes


def said(outcomes: list[Outcome]) -> list[bytes]:
    """What was concluded at each instant, as bytes."""
    return [to_json([one.events, one.suspects, one.cases, one.effects]) for one in outcomes]

"""`bihuan explain`: anything the loop concluded back to its journalled frames, and forward to case and effect."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from json import loads
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bihuan.alerts import Warning, readings_ref
from bihuan.app.lineage import stored_verdict
from bihuan.app.opened import opened
from bihuan.app.provenance import Origin, Provenance, day_or_hour
from bihuan.app.settings import read_settings
from bihuan.app.signing import KeptSign
from bihuan.assessment import reading_ref
from bihuan.cases import Case
from bihuan.core import (
    BASES,
    Effect,
    Event,
    InputError,
    JournalError,
    Language,
    NotCovered,
    Ref,
    Suspects,
    Verdict,
    from_json,
    iso,
    plain,
    text,
)
from bihuan.store import Row, Store

RECORDED = ("verdict", "event", "suspects", "case", "effect", "warning", "sign", "presence")
MEASURED = ("reading", "readings", "frame")
KINDS = (*RECORDED, *MEASURED)
"""What can be explained. Further kinds (``station:``, ``outlet:`` ...) are named by a chain and end it."""

DEPTH = 12
FRAMES_SHOWN = 200
"""Frames of which the raw text is shown; all of them are counted."""

_PASSWORD = re.compile(r"PW=[^;&]*")
_LEFT_OUT = frozenset({"inputs", "steps", "opening", "told", "photos", "handlers", "visits", "pauses", "evidence"})


@dataclass(frozen=True, slots=True)
class Node:
    """One thing of a chain.

    Attributes
    ----------
    ref : Ref
    what : dict
        Its content in plain values, without what it was made from.
    made_from : tuple of Ref
    note : str
        Key below ``cli.explain_`` when something must be said, empty otherwise.
    """

    ref: Ref
    what: dict[str, Any]
    made_from: tuple[Ref, ...] = ()
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        made_from = [str(ref) for ref in self.made_from]
        return {"ref": str(self.ref), "what": self.what, "made_from": made_from, "note": self.note}


@dataclass(frozen=True, slots=True)
class Chain:
    """The way of one thing through the loop.

    Attributes
    ----------
    asked : Node
    back : tuple of Node
        What it was made from, nearest first, down to readings.
    frames : tuple of Node
        The first `FRAMES_SHOWN` journalled frames: when they came, from where, and their text (password hidden).
    frame_count : int
        All of them.
    forward : tuple of Node
        What was made from it, nearest first, up to case and effect.
    """

    asked: Node
    back: tuple[Node, ...]
    frames: tuple[Node, ...]
    frame_count: int
    forward: tuple[Node, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "ref": str(self.asked.ref),
            "asked": self.asked.as_dict(),
            "back": [node.as_dict() for node in self.back],
            "frames": [node.as_dict() for node in self.frames],
            "frame_count": self.frame_count,
            "forward": [node.as_dict() for node in self.forward],
        }

    def words(self, language: Language = "zh") -> str:
        """Return what a person reads, a line a thing."""
        lines = [text("cli.explain_asked", language), *_lines([self.asked], language)]
        lines += [text("cli.explain_back", language), *_lines(self.back, language)]
        shown = min(len(self.frames), 10)
        lines += [text("cli.explain_frames", language, count=self.frame_count, shown=shown)]
        lines += _lines(self.frames[:shown], language)
        lines += [text("cli.explain_forward", language), *_lines(self.forward, language)]
        return "\n".join(lines)


def _lines(nodes: Sequence[Node], language: Language) -> list[str]:
    if not nodes:
        return [f"  {text('cli.explain_nothing', language)}"]
    lines = []
    for node in nodes:
        told = "  ".join(
            f"{name}={_short(value)}" for name, value in node.what.items() if value not in (None, "", [], {})
        )
        note = f"  ({text(f'cli.explain_{node.note}', language)})" if node.note else ""
        lines.append(f"  {node.ref}  {told}{note}")
    return lines


def _short(value: Any) -> str:
    said = str(value)
    return said if len(said) <= 160 else said[:157] + "..."


def explain_ref(home: Path, ref: str) -> Chain:
    """Open the store of a home and explain one thing.

    Parameters
    ----------
    home : Path
        ``BIHUAN_HOME``; no server may own its store.
    ref : str
        ``kind:id`` of a kind in `KINDS`.

    Raises
    ------
    InputError
        If the ref cannot be read or is of another kind.
    NotCovered
        If there is no store, or no such thing in it.
    StoreLocked
        If a running server owns the store.
    """
    asked = checked_ref(ref)
    with opened(home) as store:
        return explain(store, asked, read_settings(home).zone)


def checked_ref(ref: str) -> Ref:
    """Read a ref of a kind that can be explained.

    Raises
    ------
    InputError
    """
    asked = Ref.parse(ref)
    if asked.kind not in KINDS:
        raise InputError(f"reference {ref!r} is of kind {asked.kind!r}; explained are {', '.join(KINDS)}")
    return asked


def explain(store: Store, asked: Ref, zone: ZoneInfo) -> Chain:
    """Walk one thing back to its frames and forward to case and effect, in an open store.

    Raises
    ------
    NotCovered
        If nothing of that id is stored.
    """
    walk = _Walk(store, zone)
    first = walk.nodes([asked])[0]
    if first.note in ("not_stored", "no_such") and not first.made_from:
        raise NotCovered(f"{asked} is not stored here: check the id, or the BIHUAN_HOME it is looked for in")
    back, frames = walk.back(first)
    shown = walk.nodes(frames[:FRAMES_SHOWN]) if asked.kind != "frame" else [first]
    return Chain(first, tuple(back), tuple(shown), len(frames), tuple(walk.forward(first)))


class _Walk:
    """One walk over one store."""

    def __init__(self, store: Store, zone: ZoneInfo) -> None:
        self._store = store
        self._zone = zone
        self._provenance = Provenance(store, zone)
        self._names = {fact.id: fact.name for fact in store.records.facts()}
        self._of: dict[str, Callable[[Row], Origin]] = {
            "verdict": _verdict,
            "event": self._event,
            "suspects": _suspects,
            "case": _case,
            "effect": _effect,
            "warning": self._warning,
            "sign": _sign,
            "presence": _presence,
        }

    def nodes(self, refs: Iterable[Ref]) -> list[Node]:
        """Return what stands behind refs; readings are looked up together."""
        wanted = list(refs)
        readings = self._provenance.readings(ref for ref in wanted if ref.kind == "reading")
        found = []
        for ref in wanted:
            origin = readings[ref] if ref.kind == "reading" else self._origin(ref)
            found.append(Node(ref, origin.what, origin.made_from, origin.note))
        return found

    def back(self, first: Node) -> tuple[list[Node], list[Ref]]:
        """Return everything `first` was made from but frames, and the frames; nearest first, each once."""
        seen, frames, found = {first.ref}, dict.fromkeys([first.ref] if first.ref.kind == "frame" else []), []
        front = [first]
        for _ in range(DEPTH):
            parents = dict.fromkeys(ref for node in front for ref in node.made_from)
            frames.update(dict.fromkeys(ref for ref in parents if ref.kind == "frame"))
            fresh = [ref for ref in parents if ref.kind != "frame" and ref not in seen]
            seen.update(fresh)
            front = self.nodes(fresh)
            found += front
            if not front:
                break
        return found, list(frames)

    def forward(self, first: Node) -> list[Node]:
        """Return everything that was made from `first`, nearest first, each once."""
        starts = [first.ref]
        if first.ref.kind in MEASURED:
            starts = self._users(first)
        seen = dict.fromkeys(ref for ref in starts if ref != first.ref)
        front = list(starts)
        for _ in range(DEPTH):
            links = self._store.records.linked(front, "forward")
            nexts = [link.to_ref for link in links] + [ref for one in front for ref in self._answers_for(one)]
            front = [ref for ref in dict.fromkeys(nexts) if ref not in seen and ref != first.ref]
            seen.update(dict.fromkeys(front))
            if not front:
                break
        return self.nodes(seen)

    def _answers_for(self, ref: Ref) -> list[Ref]:
        """The case that took over a merged one."""
        row = self._store.records.get("case", ref.id) if ref.kind == "case" else None
        into = from_json(row.body, Case).merged_into if row else ""
        return [Ref("case", into)] if into else []

    def _users(self, node: Node) -> list[Ref]:
        """Verdicts and events that rest on a reading or frame."""
        found: dict[Ref, None] = {}
        for site, pollutant, stat, start, end in self._measured(node):
            period = day_or_hour(start, end, self._zone)
            refs = {reading_ref(site, pollutant, stat, basis, period.start) for basis in BASES}
            sites = [site, str(self._provenance.town(start).ref)]
            early = period.start - timedelta(days=1)
            for row in self._store.records.find("verdict", subject=sites, since=early, until=period.end):
                verdict = from_json(row.body, Verdict)
                if verdict.period.overlaps(period) and refs.intersection(verdict.inputs):
                    found[verdict.ref] = None
            for row in self._store.records.find("event", subject=sites, since=early, until=end):
                event = from_json(row.body, Event)
                if event.pollutant == pollutant and event.period.start < end and start < event.period.end:
                    found[event.ref] = None
        return list(found)

    def _measured(self, node: Node) -> list[tuple[str, str, str, Any, Any]]:
        """Site, pollutant, statistic, start and end of what a reading or frame measured."""
        frames = [node.ref] if node.ref.kind == "frame" else [ref for ref in node.made_from if ref.kind == "frame"]
        rows = {
            (row["site"], row["pollutant"], row["stat"], row["start"], row["end"])
            for ref in frames[:FRAMES_SHOWN]
            for row in self._provenance.of_frame(ref.id).iter_rows(named=True)
        }
        if node.ref.kind != "frame":
            pollutant = node.ref.id.rsplit("/", 4)[1]
            rows = {row for row in rows if row[1] == pollutant}
        return sorted(row for row in rows if row[0])

    def _origin(self, ref: Ref) -> Origin:
        if ref.kind == "frame":
            return self._frame(ref.id)
        if ref.kind == "readings":
            return self._provenance.stretch(ref)
        if ref.kind not in self._of:
            return self._fact(ref)
        row = self._store.records.get(ref.kind, ref.id)
        if row is None and ref.kind == "verdict":
            return self._imported(ref.id)
        return Origin(note="no_such") if row is None else self._of[ref.kind](row)

    def _imported(self, ident: str) -> Origin:
        """The verdict of an imported index: not stored, but made again from its hours."""
        official = {f"station:{fact.id}" for fact in self._store.records.facts() if getattr(fact, "official", False)}
        verdict = stored_verdict(self._store, ident, self._zone, official)
        return Origin(note="no_such") if verdict is None else Origin(_plain(verdict), verdict.inputs)

    def _frame(self, frame: str) -> Origin:
        try:
            record = self._store.journal.read(frame)
        except JournalError as problem:
            return Origin({"problem": str(problem)}, note="no_such")
        raw = record.raw.decode("gb18030", "replace")
        return Origin(
            {
                "received": iso(record.received),
                "peer": record.peer,
                "status": record.status,
                "raw": _PASSWORD.sub("PW=******", raw),
            }
        )

    def _fact(self, ref: Ref) -> Origin:
        """A station, outlet or other thing of the register: named, and the end of the way."""
        name = self._names.get(ref.id, "")
        return Origin({"name": name} if name else {})

    def _warning(self, row: Row) -> Origin:
        warning = from_json(row.body, Warning)
        hours = self._store.records.linked(warning.ref, "back")
        return Origin(_plain(warning), tuple(link.from_ref for link in hours))

    def _event(self, row: Row) -> Origin:
        event = from_json(row.body, Event)
        what = _plain(event)
        if event.kind != "silence":
            return Origin(what, event.inputs)
        heard = self._provenance.last_heard(str(event.subject), event.period.start)
        return Origin(what | heard.what, (*heard.made_from,), heard.note)


def _plain(value: Any) -> dict[str, Any]:
    found = plain(value)
    return {name: part for name, part in found.items() if name not in _LEFT_OUT}


def _verdict(row: Row) -> Origin:
    verdict = from_json(row.body, Verdict)
    return Origin(_plain(verdict), verdict.inputs)


def _suspects(row: Row) -> Origin:
    found = from_json(row.body, Suspects)
    what = _plain(found) | {
        "ranked": [{"source": str(s.source), "name": s.name, "probability": s.probability} for s in found.ranked]
    }
    return Origin(what, tuple(dict.fromkeys((found.event, *(_looked_at(found, ref) for ref in found.inputs)))))


def _looked_at(found: Suspects, ref: Ref) -> Ref:
    """A station among the inputs of a ranking stands for its minutes of the period that was looked at."""
    return readings_ref(ref, found.pollutant, "minute", found.period) if ref.kind == "station" else ref


def _case(row: Row) -> Origin:
    case = from_json(row.body, Case)
    opening = {"id": case.id, "kind": case.kind, "door": case.door, "opened": iso(case.opened), "title": case.title()}
    evidence = (part.ref for part in case.evidence if part.ref.kind in KINDS)
    merged = (Ref("case", ident) for ident in case.merged)
    made_from = tuple(dict.fromkeys((*case.sources, *evidence, *merged)))
    effects = tuple(ref for ref in made_from if ref.kind != "effect")
    return Origin(opening | _plain(case), effects, "" if effects else "no_measurement")


def _sign(row: Row) -> Origin:
    """A sign of falsification: the hours of the week that was asked, and the change of a setting it names."""
    kept = from_json(row.body, KeptSign)
    sign = kept.sign
    what = _plain(sign) | {"state": kept.state}
    hours = readings_ref(sign.site, sign.pollutant, "hour", sign.period)
    return Origin(
        {name: part for name, part in what.items() if name != "figures"} | sign.figures, (*sign.inputs, hours)
    )


def _presence(row: Row) -> Origin:
    """What a logger told of itself: a setting that changed, or two addresses under one MN."""
    what = {name: part for name, part in plain(loads(row.body)).items() if part not in ("", None)}
    frame, order = what.pop("frame", ""), what.pop("order", "")
    made_from = [Ref("frame", frame)] if frame else [Ref("order", order)] if order else []
    return Origin(what, tuple(made_from))


def _effect(row: Row) -> Origin:
    found = from_json(row.body, Effect)
    return Origin(_plain(found), tuple(dict.fromkeys((found.case, *found.inputs))))

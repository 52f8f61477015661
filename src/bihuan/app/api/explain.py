"""The explanation of anything the loop concluded, as a chain that people read; other areas stay shut."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from bihuan.alerts import Warning, headline
from bihuan.app.access import RIGHTS, Session, area_of, sees_case
from bihuan.app.api.alarms import first_line, hides, pollutant_name, sees, subject_name, words_of
from bihuan.app.api.change_lines import change_line
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.explanations import ExplanationView
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.api.outlet_verdicts import why_of
from bihuan.app.explain import Chain, Node, checked_ref
from bihuan.app.explain import explain as walk
from bihuan.app.settingbook import change_of
from bihuan.app.signing import KeptSign
from bihuan.core import (
    Effect,
    Event,
    InputError,
    Language,
    NotCovered,
    Ref,
    Suspects,
    Verdict,
    from_json,
    parse_instant,
    pollutant,
    printed_unit,
    text,
)
from bihuan.standards import clause_words
from bihuan.verification import unit_of_effect

router = APIRouter(prefix="/api", tags=["explain"], responses=PROBLEMS)  # type: ignore[arg-type]

SHOWN = 6
"""Things of one kind that a stage lists; the rest is counted."""

NEEDED = {
    "warning": "warning.read",
    "frame": "device.read",
    "presence": "device.read",
    "sign": "sign.read",  # nobody who may be visited is told
}
"""Rights that things of a kind need beside the area."""

STAGES = (
    "frame",
    "presence",
    "readings",
    "verdict",
    "sign",
    "event",
    "suspects",
    "warning",
    "case",
    "effect",
    "register",
)
"""The way of the loop; everything else that a chain names is of the register."""

Reader = Annotated[Session, needs("explain.read")]


class Thing(BaseModel):
    """One thing of a chain, as people read it."""

    ref: str
    kind: str
    title: str
    detail: str
    at: datetime | None
    link: str = Field(description="page of it in the face, empty where it has none")
    walks: bool = Field(description="whether the chain can be followed from here")
    hidden: bool = Field(description="outside what the reader may see: neither words nor reference are given")


class Stage(BaseModel):
    """All things of one kind on one side of what was asked."""

    kind: str
    words: str
    count: int
    things: list[Thing]


class Explanation(BaseModel):
    """Where something comes from, what it is, and what it led to."""

    asked: Thing
    back: list[Stage]
    forward: list[Stage]
    why: ExplanationView | None = Field(
        description="of a verdict of an outlet: value, limit, clause, steps and the bureau's sentence"
    )


@router.get("/explain/{ref:path}", responses={200: {"model": Explanation}}, response_class=Response)
def explain(ref: str, session: Reader, office: TheOffice, language: TheLanguage) -> Response:
    """Walk a reference back to its frames and forward to case and effect."""
    try:
        asked = checked_ref(ref)
        chain = walk(office.store, asked, office.zone)
    except InputError as problem:
        raise Refused(422, "malformed", str(problem)) from None
    except NotCovered as problem:
        raise Refused(404, "no_such_ref", str(problem)) from None
    view = _View(session, office, language)
    if not view.may(chain.asked):
        raise Refused(403, "wrong_area", f"{ref} lies outside the area of {session.login}")
    return Response(view.explanation(chain).model_dump_json(), media_type="application/json")


class _View:
    """A chain in the eyes of one person."""

    def __init__(self, session: Session, office: Office, language: Language) -> None:
        self._session, self._office, self._language = session, office, language

    def explanation(self, chain: Chain) -> Explanation:
        back = self._stages((*chain.frames, *chain.back), {"frame": chain.frame_count})
        forward = self._stages(chain.forward, {})
        return Explanation(asked=self._thing(chain.asked), back=back, forward=forward, why=self._why(chain.asked))

    def _why(self, node: Node) -> ExplanationView | None:
        row = self._office.store.records.get("verdict", node.ref.id) if node.ref.kind == "verdict" else None
        if row is None:
            return None
        verdict = from_json(row.body, Verdict)
        return why_of(verdict, self._name(str(verdict.subject)), self._office, self._language)

    def _stages(self, nodes: tuple[Node, ...], counts: dict[str, int]) -> list[Stage]:
        groups: dict[str, list[Node]] = {}
        for node in nodes:
            groups.setdefault(_stage(node.ref), []).append(node)
        return [
            Stage(
                kind=kind,
                words=text(f"explain.kind_{kind}", self._language),
                count=max(counts.get(kind, 0), len(groups[kind])),
                things=[self._thing(node) for node in groups[kind][:SHOWN]],
            )
            for kind in STAGES
            if kind in groups
        ]

    # -- what a person may see ------------------------------------------------------------------------------------

    def may(self, node: Node) -> bool:
        """Say whether a thing concerns the person's area; of a case also whether it is theirs."""
        ref, what = node.ref, node.what
        if ref.kind == "case":
            case = self._office.desk.find(ref.id)
            return case is not None and sees_case(self._session, case)
        if ref.kind == "effect":
            return "case" in what and self.may(Node(Ref.parse(str(what["case"])), {}))
        right = NEEDED.get(ref.kind)
        if right is not None and not set(self._session.roles) & RIGHTS[right]:
            return False
        if ref.kind in ("warning", "frame"):  # one frame may carry several sites
            return ref.kind == "warning" or area_of(self._session).whole
        area = area_of(self._session)
        if ref.kind == "suspects" and (area.enterprise or area.maintainer):  # they name other people's outlets
            return False
        subject = ref.id.split("/", 1)[0] if ref.kind in ("reading", "readings") else ""
        if ref.kind in ("sign", "presence"):
            subject = str(what.get("site", ""))
        if ref.kind == "event":
            subject = str(ref)
        return self._sees(subject or str(what.get("event") or what.get("subject") or ref))

    def _sees(self, subject: str) -> bool:
        try:
            ref = Ref.parse(subject)
        except InputError:
            return False
        if ref.kind == "event":
            row = self._office.store.records.get("event", ref.id)
            event = from_json(row.body, Event) if row is not None else None
            return event is not None and not hides(self._session, event) and self._sees(str(event.subject))
        return sees(self._session, self._office, ref)

    # -- words ----------------------------------------------------------------------------------------------------

    def _thing(self, node: Node) -> Thing:
        kind = _stage(node.ref)
        if not self.may(node):
            hidden = text("explain.hidden", self._language)
            return Thing(ref="", kind=kind, title=hidden, detail="", at=None, link="", walks=False, hidden=True)
        title, detail = getattr(self, f"_{kind}")(node)
        note = text(f"cli.explain_{node.note}", self._language) if node.note else ""
        return Thing(
            ref=str(node.ref),
            kind=kind,
            title=title,
            detail=" · ".join(filter(None, (detail, note))),
            at=_when(node.what),
            link=_link(node.ref),
            walks=kind != "register",
            hidden=False,
        )

    def _say(self, key: str, **values: object) -> str:
        return text(f"explain.{key}", self._language, **values)

    def _name(self, ref: str) -> str:
        return subject_name(Ref.parse(ref), self._office, self._language)

    def _frame(self, node: Node) -> tuple[str, str]:
        return str(node.what.get("raw", node.ref.id)), ""

    def _readings(self, node: Node) -> tuple[str, str]:
        site, code, *_ = node.ref.id.split("/")
        words = {"pollutant": pollutant_name(code, self._language), "unit": _unit(site, code)}
        what = node.what
        if what.get("value") is not None:
            return self._name(site), self._say("value", value=_figure(what["value"]), **words)
        if what.get("min") is not None:
            low, high = _figure(what["min"]), _figure(what["max"])
            return self._name(site), self._say("spread", count=what.get("count", 0), low=low, high=high, **words)
        return self._name(site), self._say("empty_readings", **words)

    def _verdict(self, node: Node) -> tuple[str, str]:
        what = node.what
        own = "law_outlet.label_" if str(what.get("kind", "")).startswith("outlet_") else "aqi."
        label = _known(f"verdict.{what['label']}", _known(f"{own}{what['label']}", what["label"], self), self)
        value = _figure(what["value"]) if what.get("value") is not None else ""
        said = self._say("verdict", label=label, value=value, unit=printed_unit(what.get("unit", ""))).strip()
        law = self._say(
            "clause", standard=what.get("standard", ""), clause=clause_words(what.get("clause", ""), self._language)
        )
        doubt = self._say("to_check") if what.get("status") in ("unconfirmed", "conflicting") else ""
        return self._name(what["subject"]), " · ".join(filter(None, (said, law, doubt)))

    def _event(self, node: Node) -> tuple[str, str]:
        row = self._office.store.records.get("event", node.ref.id)
        if row is None:
            return node.ref.id, ""
        return words_of(from_json(row.body, Event), self._office, self._language), ""

    def _sign(self, node: Node) -> tuple[str, str]:
        row = self._office.store.records.get("sign", node.ref.id)
        if row is None:
            return node.ref.id, ""
        kept = from_json(row.body, KeptSign)
        kind = text(f"signs.kind_{kept.sign.kind}", self._language)
        return f"{self._name(str(kept.sign.site))} {kind}", text(f"signs.state_{kept.state}", self._language)

    def _presence(self, node: Node) -> tuple[str, str]:
        change = change_of(self._office.store.records, node.ref.id)
        if change is None:
            return str(node.what.get("device", node.ref.id)), " · ".join(node.what.get("peers", ()))
        line = change_line(change, self._office, self._language)
        return f"{line.about} {line.words}".strip(), f"{line.before or '-'} → {line.after}"

    def _suspects(self, node: Node) -> tuple[str, str]:
        row = self._office.store.records.get("suspects", node.ref.id)
        first = first_line(from_json(row.body, Suspects), self._language) if row else None
        if first is None:
            return node.ref.id, ""
        return (self._say("suspect", name=first.name, odds=first.odds) if first.odds else first.name), ""

    def _warning(self, node: Node) -> tuple[str, str]:
        row = self._office.store.records.get("warning", node.ref.id)
        city = subject_name(self._office.town.ref, self._office, self._language)
        return (headline(from_json(row.body, Warning), city, self._language) if row else node.ref.id), ""

    def _case(self, node: Node) -> tuple[str, str]:
        case = self._office.desk.find(node.ref.id)
        if case is None:
            return node.ref.id, ""
        return self._office.title(case, self._language), case.state_words(self._language)

    def _effect(self, node: Node) -> tuple[str, str]:
        row = self._office.store.records.get("effect", node.ref.id)
        if row is None:
            return node.ref.id, ""
        found = from_json(row.body, Effect)
        verdict = text(f"effect.{found.verdict}", self._language)
        if found.before is None or found.after is None:
            return verdict, text(f"effect.{found.reason}", self._language) if found.reason else ""
        words = {"before": _figure(found.before), "after": _figure(found.after), "verdict": verdict}
        name, unit = pollutant_name(found.pollutant, self._language), printed_unit(unit_of_effect(found))
        return self._say("effect", pollutant=name, unit=unit, **words), ""

    def _register(self, node: Node) -> tuple[str, str]:
        return self._office.name(node.ref, self._language), ""

    @property
    def language(self) -> Language:
        """Of the person."""
        return self._language


def _known(key: str, otherwise: str, view: _View) -> str:
    try:
        return text(key, view.language)
    except NotCovered:
        return otherwise


def _stage(ref: Ref) -> str:
    if ref.kind == "reading":
        return "readings"
    return ref.kind if ref.kind in STAGES else "register"


def _when(what: dict[str, Any]) -> datetime | None:
    """The instant by which a thing is looked for: when it began, was opened or came."""
    period = what.get("period")
    given = (
        (period or {}).get("start") or what.get("start") or what.get("opened") or what.get("received") or what.get("at")
    )
    return parse_instant(str(given)) if given else None


def _link(ref: Ref) -> str:
    pages = {"event": f"/alarms/{ref.id}", "case": f"/cases/{ref.id}", "sign": f"/signs/{ref.id}"}
    if ref.kind in ("station", "outlet", "section", "worksite"):
        return f"/sites/{ref}"
    return pages.get(ref.kind, "")


def _unit(site: str, code: str) -> str:
    try:
        about = pollutant(code)
    except NotCovered:
        return ""
    return printed_unit(about.outlet_unit if site.startswith("outlet:") else about.unit)


def _figure(value: float) -> str:
    return f"{value:.4g}"

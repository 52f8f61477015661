"""What things of a trace are called, and what follows from it in words: shared by pages, reports and the terminal."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from bihuan.app.findings import CellPrior
from bihuan.app.settings import Settings
from bihuan.app.town import Town
from bihuan.app.tracesearch import Change
from bihuan.core import Language, text
from bihuan.register import KIND_OF, Person, Unit
from bihuan.tracing import odds


def names_of(town: Town, settings: Settings) -> dict[str, str]:
    """What everything is called: by ref, and units by their id."""
    found = {f"{source.ref}": source.name for source in town.sources}
    for fact in town.register:
        if fact.holds(town.on) and fact.name and not isinstance(fact, Person):
            found[f"{KIND_OF[type(fact)]}:{fact.id}"] = fact.name
            if isinstance(fact, Unit):
                found[fact.id] = fact.name
    cell = town.cell.name if town.cell else ""
    return found | {str(town.ref): settings.text("city_name") or cell or town.ref.id}


def change_words(change: Change, names: dict[str, str], language: Language) -> tuple[str, str]:
    """Return in words what might be otherwise, and who would stand first then."""
    name = names.get(str(change.about), "" if change.about is None else change.about.id)
    then = names.get(str(change.first), "" if change.first is None else change.first.id)
    percent = odds(change.probability)
    return (
        text(f"dossier.if_{change.kind}", language, name=name),
        text(f"dossier.then_{change.answer}", language, name=then, percent=percent),
    )


def cell_words(known: CellPrior, names: dict[str, str], zone: ZoneInfo, language: Language) -> str:
    """Return in words what was learned in a grid cell."""
    return text(
        "dossier.cell_said",
        language,
        cell=names.get(f"cell:{known.cell}", known.cell),
        outside=known.outside,
        all=known.outside + known.listed,
        usual=f"{100 * known.usual:.0f}",
        share=f"{100 * known.share:.0f}",
        until=f"{known.until.astimezone(zone):%m-%d %H:%M}",
    )

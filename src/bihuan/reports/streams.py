"""Sections 4 to 7: episode and trace, water, outlets, dust and mobile sources."""

from __future__ import annotations

import polars as pl

from bihuan.alerts import describe
from bihuan.assessment import beyond_class_three, class_shares
from bihuan.core import Event, Language, NotCovered, Suspects, Verdict, pollutant, printed_unit, text
from bihuan.register import Section as RiverSection
from bihuan.reports.material import Material, amount, item_name, law_words, word
from bihuan.reports.model import Cells, Section, Table


def event_words(given: Material, event: Event, language: Language) -> str:
    """Return one sentence about an event."""
    rule = given.rules.get(event.rule)
    name = given.name(event.subject)
    return describe(event, rule, name, language) if rule else name


RISES = frozenset({"local_rise", "regional_rise", "regional_rise_minute", "aqi_heavy", "station_hour_limit"})
"""Texts of the rules that tell of polluted air; the other patterns tell of doubtful data."""


def _text(given: Material, event: Event) -> str:
    rule = given.rules.get(event.rule)
    return rule.text if rule else ""


def episode_section(given: Material, language: Language) -> Section:
    """4: what rose, where, and whether it was local or transported: only what a trace has said."""
    risen = [one for one in given.events if _text(given, one) in RISES]
    if not risen:
        return Section(title=word("section_episode", language))
    by_event = {found.event: found for found in given.suspects}
    local = [one for one in risen if by_event.get(one.ref) and not by_event[one.ref].cannot_tell]
    rows = []
    for event in risen:
        found = by_event.get(event.ref)
        span = f"{given.clock(event.period.start)} — {given.clock(event.period.end)}"
        rows.append((span, event_words(given, event, language), _judged(given, found, language)))
    head = tuple(word(f"col_{name}", language) for name in ("span", "what", "trace"))
    said = word("episode_said", language, count=len(risen), traced=len(local))
    return Section(
        title=word("section_episode", language),
        sentences=(said,),
        tables=(Table(title=word("table_episode", language), head=head, rows=tuple(rows)),),
        notes=(word("trace_note", language),),
    )


def _judged(given: Material, found: Suspects | None, language: Language) -> str:
    if found is None:
        return word("not_traced", language)
    if found.cannot_tell:
        return text(f"tracing.{found.cannot_tell}", language)
    local = sum(one.probability for one in found.ranked) + found.none_of_listed
    shares = {"local": local, "unlisted": found.none_of_listed, "regional": found.regional}
    said = word("share", language, **{name: round(share * 100) for name, share in shares.items()})
    if found.ranked and found.ranked[0].probability > found.none_of_listed:
        first = found.ranked[0]
        said += word("first_suspect", language, name=first.name, percent=round(first.probability * 100))
    return said


def water_section(given: Material, language: Language) -> Section:
    """5: class of each section against the class it must reach."""
    rows = []
    sections = {f"section:{one.id}": one for one in given.register.all(RiverSection, given.day)}
    judged = [one for one in given.water if one.label]
    for one in judged:
        section = sections.get(str(one.subject))
        target = section.target_class if section else ""
        rows.append((
            given.name(one.subject),
            section.river if section else "—",
            text(f"verdict.class_{one.label}", language),
            text(f"verdict.class_{target}", language) if target else "—",
            _beyond(one, language) or "—",
            word("meets_partly" if one.reason == "part_of_the_items" else "meets", language)
            if one.reason != "worse_than_target"
            else text("verdict.worse_than_target", language),
        ))  # fmt: skip
    if not rows:
        return Section(title=word("section_water", language))
    worse = sum(one.reason == "worse_than_target" for one in judged)
    first, last = ("section", "river", "class", "target"), "outcome"
    head = (*(word(f"col_{name}", language) for name in first), text("law_water.col_over", language))
    return Section(
        title=word("section_water", language),
        sentences=(word("water_said", language, count=len(rows), worse=worse), *_shares(given, judged, language)),
        tables=(
            Table(title=word("table_water", language), head=(*head, word(f"col_{last}", language)), rows=tuple(rows)),
        ),
        notes=_laws(judged, language),
    )


def _beyond(verdict: Verdict, language: Language) -> str:
    """Items beyond class III, the worst first, with their multiples: ammonia nitrogen (0.20)."""
    named = [
        text(f"law_water.item_{item}", language) + (f" ({times:.2f})" if times is not None else "")
        for item, times in beyond_class_three(verdict)
    ]
    return word("list_mark", language).join(named)


def _shares(given: Material, judged: list[Verdict], language: Language) -> tuple[str, ...]:
    """Say how many sections are of class I to III and how many 劣Ⅴ, with the denominator."""
    table = pl.DataFrame({"city": [""] * len(judged), "class": [one.label for one in judged]})
    try:
        shares = class_shares(table, ["city"], on=given.day).row(0, named=True)
    except NotCovered:
        return ()
    told = {name: str(shares[name]) for name in ("sections", "good", "good_share", "bad", "bad_share")}
    return (text("law_water.shares_said", language, **told),)


def _laws(judged: list[Verdict], language: Language) -> tuple[str, ...]:
    return tuple(dict.fromkeys(law_words(one.standard, one.clause, one.status, language) for one in judged))


def outlets_section(given: Material, language: Language) -> Section:
    """6: outlets over their limit, what was offline, how much arrived."""
    over = [one for one in given.outlets if one.label == "suspected_over"]
    judged = [one for one in given.outlets if one.label != "no_value"]
    odd = [one for one in given.events if one.kind == "silence" or _text(given, one).endswith("_series")]
    if not judged and not odd and not given.expected:
        return Section(title=word("section_outlets", language))
    sentences: list[str] = []
    tables: list[Table] = []
    notes: list[str] = []
    if judged:
        outlets = len({str(one.subject) for one in over})
        sentences.append(word("outlets_said", language, judged=len(judged), over=len(over), outlets=outlets))
        notes += _laws(over or judged[:1], language)
    if over:
        tables.append(_over(given, over, language))
    if odd:
        rows = tuple(
            (given.name(one.subject), given.clock(one.period.start), event_words(given, one, language)) for one in odd
        )
        head = tuple(word(f"col_{name}", language) for name in ("name", "since", "what"))
        tables.append(Table(title=word("table_offline", language), head=head, rows=rows))
    if given.expected:
        received, usable = given.received or 0, given.usable or 0
        share = {
            "received": received, "expected": given.expected, "usable": usable,
            "sent": amount(received / given.expected * 100, 1),
            "valid": amount(usable / received * 100, 1) if received else "—",
            "both": amount(usable / given.expected * 100, 1),
        }  # fmt: skip
        sentences.append(word("transmission_said", language, **share))
        notes.append(word("formula_transmission", language, **share))
    return Section(
        title=word("section_outlets", language), sentences=tuple(sentences), tables=tuple(tables), notes=tuple(notes)
    )


def _over(given: Material, over: list[Verdict], language: Language) -> Table:
    """One row an outlet and item, its worst period first."""
    worst: dict[tuple[str, str], list[Verdict]] = {}
    for one in over:
        worst.setdefault((str(one.subject), one.primary[0]), []).append(one)
    rows: list[Cells] = []
    for (site, item), found in sorted(worst.items()):
        top = max(found, key=lambda one: one.value or 0.0)
        limit = next((value for name, value, _ in top.items if name == "limit"), None)
        places = pollutant(item).decimals
        cells = (given.name(site), item_name(item, language), str(len(found)), amount(top.value, max(places, 1)))
        rows.append(
            (*cells, "—" if limit is None else f"{limit:g}", printed_unit(top.unit), given.clock(top.period.start))
        )
    head = tuple(
        word(f"col_{name}", language) for name in ("outlet", "item", "periods", "highest", "permit", "unit", "when")
    )
    return Table(title=word("table_over", language), head=head, rows=tuple(rows))


def dust_section(given: Material, language: Language) -> Section:
    """7: dust monitors; mobile sources where something was measured."""
    usable = given.dust.filter(pl.col("value").is_not_null()) if given.dust.height else given.dust
    if not usable.height:
        return Section(title=word("section_dust", language))
    means = usable.group_by("site", "pollutant").agg(
        pl.col("value").mean().alias("mean"), pl.col("value").max().alias("highest"), pl.len().alias("hours")
    )
    rows = [
        (
            given.name(site),
            item_name(item, language),
            printed_unit(pollutant(item).unit),
            amount(mean, 0),
            amount(high, 0),
            str(hours),
        )
        for site, item, mean, high, hours in means.sort("mean", "site", descending=[True, False]).iter_rows()
    ]
    head = tuple(word(f"col_{name}", language) for name in ("name", "item", "unit", "mean", "highest", "hours"))
    return Section(
        title=word("section_dust", language),
        sentences=(word("mobile_none", language),),
        tables=(Table(title=word("table_dust", language), head=head, rows=tuple(rows)),),
        notes=(word("dust_note", language),),
    )

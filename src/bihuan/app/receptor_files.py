"""What a receptor model leaves in a folder: tables for a spreadsheet, a summary in two languages, pictures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from bihuan import __version__
from bihuan.app.receptor import Outcome, as_figures
from bihuan.core import Language, text
from bihuan.formats import VuTable, write_vu
from bihuan.formats.csv_table import written
from bihuan.reports.receptor import contributions_picture, profiles_picture
from bihuan.tracing.receptor.bootstrap import PERCENTILES
from bihuan.tracing.receptor.displacement import Displacement
from bihuan.tracing.receptor.rotation import edges

LANGUAGES: tuple[Language, ...] = ("zh", "en")


def write_outcome(found: Outcome, folder: Path, zone: ZoneInfo) -> tuple[Path, ...]:
    """Write all files; return them in their order.

    Parameters
    ----------
    found : Outcome
    folder : Path
        Made if it is not there; files of the same names are replaced.
    zone : ZoneInfo
        Of the times in the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = tables_of(found, zone)
    summary = summarise(found)
    made["summary.json"] = json.dumps(summary, ensure_ascii=False, indent=1).encode()
    for language in LANGUAGES:
        made[f"summary.{language}.txt"] = ("\n".join(words(found, language)) + "\n").encode()
        made[f"profiles.{language}.png"] = profiles_picture(found.solution, _interval(found), language)
        made[f"contributions.{language}.png"] = contributions_picture(found.solution, zone, language)
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return tuple(folder / name for name in made)


def tables_of(found: Outcome, zone: ZoneInfo) -> dict[str, bytes]:
    """Return every table of an outcome as CSV, by the name of its file; times are of `zone`."""
    return {
        "profiles.csv": _profiles(found, percent=False),
        "profiles_percent.csv": _profiles(found, percent=True),
        "contributions.csv": _contributions(found, zone),
        "contributions_percent.csv": _contributions_percent(found, zone),
        "residuals.csv": _residuals(found, zone),
        "species.csv": _species(found),
        "seeds.csv": _seeds(found),
        "replaced.csv": _replaced(found),
        "edges.csv": _edges(found),
        "matches.csv": _matches(found),
        **_used(found, zone),
        **_doubts(found),
    }


def _columns(found: Outcome) -> list[str]:
    return [f"factor_{at}" for at in range(1, found.solution.factors + 1)]


def _local(found: Outcome, zone: ZoneInfo) -> list[str]:
    return [time.astimezone(zone).strftime("%Y-%m-%d %H:%M") for time in found.solution.material.times]


def _cells(row: Iterable[float]) -> list[Any]:
    return ["" if not np.isfinite(value) else float(f"{value:.8g}") for value in row]


def _profiles(found: Outcome, percent: bool) -> bytes:
    solution = found.solution
    figures = 100 * solution.shares_of_species if percent else solution.profiles
    rows = [
        [name, "%" if percent else unit, *_cells(figures[:, at])]
        for at, (name, unit) in enumerate(zip(solution.material.names, solution.material.units, strict=True))
    ]
    return written(["species", "unit", *_columns(found)], rows)


def _contributions(found: Outcome, zone: ZoneInfo) -> bytes:
    """Contributions with mean one, and beside them in the unit of the total or the sum where that is known."""
    solution, header = found.solution, ["time", *_columns(found)]
    _, amount, _ = solution.shares_of_total()
    table = solution.contributions
    if amount is not None:
        unit = solution.material.total_unit or solution.material.units[0]
        header += [f"{name}_amount [{unit}]" for name in _columns(found)]
        table = np.hstack([table, solution.contributions * amount])
    return written(header, [[time, *_cells(row)] for time, row in zip(_local(found, zone), table, strict=True)])


def _contributions_percent(found: Outcome, zone: ZoneInfo) -> bytes:
    _, amount, _ = found.solution.shares_of_total()
    table = found.solution.contributions * (np.full(found.solution.factors, np.nan) if amount is None else amount)
    whole = table.sum(1, keepdims=True)
    share = 100 * table / np.where(whole > 0, whole, np.nan)
    rows = [[time, *_cells(row)] for time, row in zip(_local(found, zone), share, strict=True)]
    return written(["time", *_columns(found)], rows)


def _residuals(found: Outcome, zone: ZoneInfo) -> bytes:
    rows = [[time, *_cells(row)] for time, row in zip(_local(found, zone), found.solution.scaled, strict=True)]
    return written(["time", *found.solution.material.names], rows)


def _species(found: Outcome) -> bytes:
    material = found.solution.material
    explained = dict(zip(material.names, found.solution.explained, strict=True))
    rows = [
        [
            one.name,
            one.unit,
            one.category,
            one.suggested,
            *_cells([np.nan if one.signal_to_noise is None else one.signal_to_noise]),
            one.missing,
            one.below,
            *_cells([explained.get(one.name, np.nan)]),
        ]
        for one in material.species
    ]
    header = ["species", "unit", "category", "suggested", "signal_to_noise", "missing", "below_detection", "r2"]
    return written(header, rows)


def _seeds(found: Outcome) -> bytes:
    rows = [
        [run.seed, run.q_true, run.q_robust, run.kkt, run.iterations, int(run.converged)] for run in found.solution.runs
    ]
    return written(["seed", "q_true", "q_robust", "kkt", "iterations", "converged"], rows)


def _replaced(found: Outcome) -> bytes:
    rows = [
        [found.table.rows[one.row], one.species, one.reason, *("" if v is None else v for v in _figures(one))]
        for one in found.solution.material.replaced
    ]
    return written(["row", "species", "reason", "was", "value", "uncertainty"], rows)


def _figures(one: Any) -> tuple[float | None, ...]:
    return one.was, one.value, one.uncertainty


def _edges(found: Outcome) -> bytes:
    rows = [
        [edge.one + 1, edge.other + 1, *_cells([edge.correlation, edge.lower, edge.upper])]
        for edge in edges(found.solution.contributions)
    ]
    return written(["factor", "other", "correlation", "lower_edge_degrees", "upper_edge_degrees"], rows)


def _matches(found: Outcome) -> bytes:
    rows = [
        [
            match.factor + 1,
            match.profile.name,
            match.profile.kind,
            match.common,
            *_cells([match.correlation, match.pearson_distance, match.identity_distance]),
            match.profile.source,
        ]
        for matches in found.matches
        for match in matches
    ]
    return written(["factor", "profile", "kind", "common_species", "r", "PD", "SID", "source"], rows)


def _used(found: Outcome, zone: ZoneInfo) -> dict[str, bytes]:
    """The values and uncertainties as they were fitted, in the usual layout."""
    material = found.solution.material
    known = np.isfinite(material.uncertainty)
    table = VuTable(
        material.times,
        material.names,
        material.units,
        np.where(known, material.values, np.nan),
        np.where(known, material.uncertainty, np.nan),
        (),
    )
    return {"used_v.csv": write_vu(table, zone), "used_u.csv": write_vu(table, zone, uncertainty=True)}


def _doubts(found: Outcome) -> dict[str, bytes]:
    made = {}
    names = found.solution.material.names
    if found.drawn is not None:
        percentiles = found.drawn.percentiles
        header = ["factor", "species", "base", *(f"p{level:g}" for level in PERCENTILES)]
        made["bootstrap.csv"] = written(
            header,
            [
                [factor + 1, name, *_cells([found.solution.profiles[factor, at], *percentiles[:, factor, at]])]
                for factor in range(found.solution.factors)
                for at, name in enumerate(names)
            ],
        )
        mapping = [[f"factor_{at}", *map(int, row)] for at, row in enumerate(found.drawn.mapped, start=1)]
        made["bootstrap_mapping.csv"] = written(["resampled", *_columns(found), "unmapped"], mapping)
    for name, displaced in (("displacement", found.displaced), ("bs_displacement", found.displaced_resamples)):
        if displaced is not None:
            made[f"{name}.csv"] = _displacement(found, displaced)
    return made


def _displacement(found: Outcome, displaced: Displacement) -> bytes:
    header = ["factor", "species", "base"]
    for rise in displaced.rises:
        header += [f"low_dq{rise:g}", f"high_dq{rise:g}"]
    rows: list[Sequence[Any]] = []
    for factor in range(found.solution.factors):
        for at, name in enumerate(found.solution.material.names):
            pairs = np.stack([displaced.low[:, factor, at], displaced.high[:, factor, at]], axis=1).ravel()
            if np.isfinite(pairs).any():
                rows.append([factor + 1, name, *_cells([found.solution.profiles[factor, at], *pairs])])
    return written(header, rows)


def _interval(found: Outcome) -> tuple[Any, Any] | None:
    """The interval that pictures show: the bootstrap's 5 to 95 %, else the displacement's first."""
    if found.drawn is not None:
        return found.drawn.percentiles[0], found.drawn.percentiles[-1]
    if found.displaced is not None:
        return found.displaced.low[0], found.displaced.high[0]
    return None


def summarise(found: Outcome) -> dict[str, Any]:
    """Return what a program wants to know of an outcome, ready for JSON."""
    solution = found.solution
    shares, amount, how = solution.shares_of_total()
    return {
        "method": f"bihuan {__version__} receptor",
        "samples": len(solution.material.times),
        "species": list(solution.material.names),
        "factors": solution.factors,
        "robust": solution.robust,
        "q_true": solution.run.q_true,
        "q_robust": solution.run.q_robust,
        "q_expected": solution.q_expected,
        "kkt": solution.run.kkt,
        "seed": solution.run.seed,
        "converged": sum(run.converged for run in solution.runs),
        "seeds": len(solution.runs),
        "shares": as_figures(shares),
        "amounts": as_figures(amount),
        "shares_by": how,
        "replaced": len(solution.material.replaced),
        "warned": [{"code": one.code, **one.values} for one in solution.material.warned],
        "notes": list(found.notes),
        "matches": as_figures(
            [[(m.profile.name, m.correlation, m.identity_distance) for m in row] for row in found.matches]
        ),
        "bootstrap_found": as_figures(found.drawn.found) if found.drawn else None,
        "displacement_swaps": as_figures(found.displaced.swaps) if found.displaced else None,
        "constraint_rise": found.constrained.rise if found.constrained else None,
        "rotation_rise": found.rotated.rise if found.rotated else None,
    }


def words(found: Outcome, language: Language) -> list[str]:
    """Return the summary a person reads."""
    solution, material = found.solution, found.solution.material

    def say(key: str, **values: object) -> str:
        return text(f"receptor.{key}", language, **values)

    lines = [
        say("head", factors=solution.factors, samples=len(material.times), species=len(material.names)),
        say(
            "q",
            true=f"{solution.run.q_true:,.1f}",
            robust=f"{solution.run.q_robust:,.1f}",
            expected=f"{solution.q_expected:,.0f}",
            ratio=f"{solution.run.q_robust / solution.q_expected:.2f}" if solution.q_expected > 0 else "-",
        ),
        say(
            "seeds",
            done=sum(run.converged for run in solution.runs),
            seeds=len(solution.runs),
            seed=solution.run.seed,
            agreeing=_agreeing(found),
            kkt=f"{solution.run.kkt:.1e}",
        ),
        say("mode_robust" if solution.robust else "mode_plain"),
        *_share_words(found, say),
        *(say(one.code, **one.values) for one in material.warned),
    ]
    if material.replaced:
        lines.append(say("replaced", count=len(material.replaced)))
    lines += _doubt_words(found, say)
    lines.append(say("conclude"))
    return lines


def _agreeing(found: Outcome) -> int:
    merits = [run.q_robust if found.solution.robust else run.q_true for run in found.solution.runs]
    return sum(merit <= min(merits) * 1.001 for merit in merits)


def _share_words(found: Outcome, say: Any) -> list[str]:
    solution = found.solution
    shares, amount, how = solution.shares_of_total()
    lines = [say(f"shares_{how}", total=solution.material.total_name)]
    for factor in range(solution.factors):
        marks = np.argsort(-np.nan_to_num(solution.shares_of_species[factor]))[:4]
        species = ", ".join(
            f"{solution.material.names[at]} {100 * solution.shares_of_species[factor, at]:.0f}%" for at in marks
        )
        known = amount is not None
        share = f"{100 * shares[factor]:.1f}%" if known else "-"
        near = found.matches[factor][0] if found.matches and found.matches[factor] else None
        lines.append(say("factor", number=factor + 1, share=share, species=species))
        if near is not None and np.isfinite(near.correlation):
            values = {"name": near.profile.name, "r": f"{near.correlation:.2f}", "sid": f"{near.identity_distance:.2f}"}
            lines.append("  " + say("like_synthetic" if near.profile.synthetic else "like", **values))
    return lines


def _doubt_words(found: Outcome, say: Any) -> list[str]:
    lines = []
    if found.drawn is not None:
        lines.append(say("bootstrap", runs=len(found.drawn.profiles), block=found.drawn.block))
        lines += [
            say("bootstrap_factor", number=at, percent=f"{100 * share:.0f}")
            for at, share in enumerate(found.drawn.found, start=1)
        ]
    if found.displaced is not None:
        count = int(found.displaced.swaps[0].sum())
        rise = f"{found.displaced.rises[0]:g}"
        lines.append(say("displaced" if not count else "displaced_swaps", count=count, rise=rise))
    if found.displaced_resamples is not None:
        lines.append(say("displaced_resamples"))
    if found.constrained is not None:
        lines.append(say("constrained", rise=f"{found.constrained.rise:,.1f}"))
    if found.rotated is not None:
        strength = f"{found.rotated.strength:g}"
        lines.append(say("rotated", strength=strength, rise=f"{found.rotated.rise:,.1f}"))
    return lines

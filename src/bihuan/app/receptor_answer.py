"""What a page shows of a receptor model: figures as plain values, with the words of the summary in both languages."""

from __future__ import annotations

from typing import Any

from bihuan.app.receptor import Outcome, as_figures
from bihuan.app.receptor_files import summarise, words
from bihuan.core import iso
from bihuan.tracing.receptor import Match


def outcome_figures(found: Outcome) -> dict[str, Any]:
    """Return all that the page shows, ready for JSON; nan becomes null.

    Parameters
    ----------
    found : Outcome

    Returns
    -------
    dict
        The summary of `summarise`, and under ``ratio runs species_rows profiles percent shares times contributions
        candidates bootstrap words`` what is drawn. Amounts in the unit of their species, shares from 0 to 1.
    """
    solution, material = found.solution, found.solution.material
    merit, expected = solution.run.q_robust, solution.q_expected
    fitted = {name: at for at, name in enumerate(material.names)}
    explained = as_figures(solution.explained)
    return summarise(found) | {
        "ratio": merit / expected if expected > 0 else None,
        "runs": [as_figures(run) | {"used": run.seed == solution.run.seed} for run in solution.runs],
        "agreeing": _agreeing(found),
        "units": list(material.units),
        "species_rows": [
            as_figures(one) | {"explained": explained[fitted[one.name]] if one.name in fitted else None}
            for one in material.species
        ],
        "profiles": as_figures(solution.profiles),
        "percent": as_figures(solution.shares_of_species),
        "times": [iso(time) for time in material.times],
        "contributions": as_figures(solution.contributions.round(5)),
        "candidates": [[_candidate(one) for one in row] for row in found.matches],
        "bootstrap": _bootstrap(found),
        "words": {"zh": words(found, "zh"), "en": words(found, "en")},
    }


def _agreeing(found: Outcome) -> int:
    """Starts whose merit is within 0.1 % of the best."""
    merits = [run.q_robust if found.solution.robust else run.q_true for run in found.solution.runs]
    return sum(merit <= min(merits) * 1.001 for merit in merits)


def _candidate(match: Match) -> dict[str, Any]:
    """A library profile beside a factor; limits of acceptance are unconfirmed, so it is never more than that."""
    row = {
        "name": match.profile.name,
        "kind": match.profile.kind,
        "source": match.profile.source,
        "synthetic": match.profile.synthetic,
        "common": match.common,
        "r": match.correlation,
        "pd": match.pearson_distance,
        "sid": match.identity_distance,
        "status": "unconfirmed",
    }
    return {name: as_figures(value) for name, value in row.items()}


def _bootstrap(found: Outcome) -> dict[str, Any] | None:
    drawn = found.drawn
    if drawn is None:
        return None
    return {
        "runs": len(drawn.profiles),
        "block": drawn.block,
        "found": as_figures(drawn.found),
        "mapped": as_figures(drawn.mapped),
        "lower": as_figures(drawn.percentiles[0]),
        "median": as_figures(drawn.percentiles[2]),
        "upper": as_figures(drawn.percentiles[4]),
    }

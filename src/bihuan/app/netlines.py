"""What `bihuan network` says: the same figures for programs and as sentences."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bihuan.app.clock import Clock
from bihuan.app.netdesign import POLLUTANTS, SPACING, AskedNetwork, answer_network
from bihuan.app.opened import opened
from bihuan.app.settings import read_settings
from bihuan.app.town import Town
from bihuan.core import Language, local_date, text

BLINDEST, SPARED = 8, 5
"""Lines of each list that a person reads; `--json` has all of them."""


def network_lines(
    home: Path, options: Mapping[str, Any], language: Language, clock: Clock
) -> tuple[dict[str, Any], str]:
    """Return a design as plain values and as words.

    Raises
    ------
    InputError, NotCovered, StoreError
        As `answer_network` and the store.
    """
    settings = read_settings(home)
    wind = options.get("wind")
    asked = AskedNetwork(
        monitors=int(options.get("monitors") or 0),
        kind=str(options.get("kind") or "micro"),
        pollutants=tuple(options.get("pollutants") or POLLUTANTS),
        spacing=float(options.get("spacing") or SPACING),
        wind=Path(str(wind)) if wind else None,
        noise={str(code): float(value) for code, value in dict(options.get("noise") or {}).items()},
        cost=options.get("cost"),
        yearly=options.get("yearly"),
        exact=bool(options.get("exact")),
        model=settings.text("tracing_model"),
    )
    now = clock.now()
    with opened(home) as store:
        latest = store.series.query('SELECT max("end") AS latest FROM hours')["latest"][0]
        at = min(now, latest) if latest is not None else now
        town = Town(store.records.register(), local_date(at, settings.zone))
        told = answer_network(store, town, asked, at).as_dict()
    return told, network_words(told, language)


def network_words(told: Mapping[str, Any], language: Language) -> str:
    """Return what a person reads of a design."""
    lines = [
        text(
            "network.cli_basis", language, hours=f"{told['hours']:.0f}", places=told["places"],
            pollutants=", ".join(told["pollutants"]), stations=len(told["stations"]), sources=len(told["sources"]),
        )
    ]  # fmt: skip
    if not told["hours_enough"]:
        lines.append(text("network.few_hours", language, hours=f"{told['hours']:.0f}"))
    lines.append(text("network.cli_present", language, **_percents(told["present"])))
    for one in told["proposals"]:
        lines.append(
            text(
                "network.cli_proposal", language, number=one["number"], lon=f"{one['lon']:.4f}",
                lat=f"{one['lat']:.4f}", district=one["district"], gain=_percent(one["gain"]),
                **_percents(one["after"]),
            )
        )  # fmt: skip
    sure = told["certificate"]
    if sure:
        key = "network.cli_exact" if sure["exact"] else "network.cli_certificate"
        shown = {name: _percent(sure[name]) for name in ("guaranteed", "certified")}
        lines.append(text(key, language, **shown))
    lines += _lists(told, language)
    cost = told["cost"]
    if cost["total"] is not None or cost["yearly"] is not None:
        shown = {name: "–" if cost[name] is None else f"{cost[name]:,.0f}" for name in ("total", "yearly")}
        lines.append(text("network.cli_cost", language, **shown))
    return "\n".join(lines)


def _lists(told: Mapping[str, Any], language: Language) -> list[str]:
    blind = [one for one in told["sources"] if one["reports"]][:BLINDEST]
    lines = [text("network.blind_sources", language)]
    lines += [f"  {one['name']}  {_percent(one['present'])} → {_percent(one['proposed'])}" for one in blind]
    silent = sum(not one["reports"] for one in told["sources"])
    if silent:
        lines.append(text("network.silent_sources", language, count=silent))
    lines.append(text("network.spare", language))
    lines += [f"  {one['name']}  −{_percent(one['loss'])}" for one in told["spare"][:SPARED]]
    lines.append(text("network.fixed_note", language, count=sum(one["fixed"] for one in told["stations"])))
    return lines


def _percents(shares: Mapping[str, float | None]) -> dict[str, str]:
    return {name: _percent(value) for name, value in shares.items()}


def _percent(value: float | None) -> str:
    """Per cent, with a digit more where it is small."""
    if value is None:
        return "–"
    return f"{100 * value:.2f}%" if abs(value) < 0.01 else f"{100 * value:.1f}%"

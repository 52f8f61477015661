"""Pictures of a trace report: series with background, wind rose of the episode, map with footprint and search area."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import PathPatch, Polygon
from matplotlib.path import Path

from bihuan.core import Language, Place, printed_unit, text
from bihuan.reports.charts import DPI, INK, QUIET, canvas, font, plainly, png
from bihuan.reports.dossier_material import TraceMaterial, say
from bihuan.reports.material import item_name
from bihuan.reports.model import Figure

HOT, CLOUD, SEARCH, GO = "#c2410c", "#6d3fc4", "#8a5a00", "#0b7285"
SPEEDS = ((0.0, 1.0), (1.0, 2.0), (2.0, 4.0), (4.0, math.inf))
"""Classes of wind speed of the rose. [m/s]"""
SHADES = ("#cfe3ea", "#8fbccb", "#4b8ea5", "#175a70")
SECTORS = 16


def series_chart(given: TraceMaterial, language: Language) -> tuple[Figure, ...]:
    """Return the value at the station with its background; nothing without a scene."""
    known = [value for value in given.values if value is not None]
    if not given.blocks or not known:
        return ()
    picture, axes = canvas(6.1, 2.6)
    # matplotlib draws in UTC whatever the zone: shown are local times without one
    local = [at.astimezone(given.zone).replace(tzinfo=None) for at in given.blocks]
    half = timedelta(seconds=given.step / 2)
    middles: list[Any] = [at + half for at in local]
    for period in given.suspects[0].suspect.hours if given.suspects else ():
        start, end = (at.astimezone(given.zone).replace(tzinfo=None) for at in (period.start, period.end))
        axes.axvspan(start, end, color=CLOUD, alpha=0.12, linewidth=0)
    axes.plot(middles, _gaps(given.values), color=HOT, linewidth=1.6, marker="o", markersize=2.4,
              label=given.name(given.event.subject))  # fmt: skip
    axes.plot(middles, _gaps(given.background), "--", color=INK, linewidth=1.1, label=say("background", language))
    axes.axvline(local[min(given.onset, len(local) - 1)], color=QUIET, linewidth=1, linestyle=":")
    axes.set_ylim(0, max(known) * 1.25 or 1)
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=4, maxticks=9))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M"))  # type: ignore[no-untyped-call]
    axes.legend(prop=font(8), frameon=False, loc="upper left", ncols=2)
    code = given.event.pollutant
    plainly(axes, f"{item_name(code, language)} ({printed_unit(given.unit)})")
    top = max(range(len(given.values)), key=lambda n: given.values[n] if given.values[n] is not None else -math.inf)  # type: ignore[arg-type,return-value]
    alt = say("alt_series", language, high=f"{given.values[top]:.0f}", at=given.clock(given.blocks[top]))
    return (Figure(title=say("figure_series", language), alt=alt, png=png(picture)),)


def _gaps(values: tuple[float | None, ...]) -> list[float]:
    return [math.nan if value is None else value for value in values]


def event_winds(given: TraceMaterial) -> list[tuple[float, float]]:
    """Return (speed, direction) of the blocks of the event in which both are known."""
    return [
        (speed, wind)
        for speed, wind in zip(given.wind_speed[given.onset :], given.wind_from[given.onset :], strict=True)
        if speed is not None and wind is not None
    ]


def rose_chart(given: TraceMaterial, language: Language) -> tuple[Figure, ...]:
    """Return the wind rose of the event; nothing where no wind is known."""
    winds = event_winds(given)
    if not winds:
        return ()
    picture = Canvas(figsize=(6.1, 3.1), dpi=DPI, layout="constrained")
    FigureCanvasAgg(picture)
    axes: Any = picture.add_subplot(projection="polar")
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    width = 2 * math.pi / SECTORS
    counts = [[0] * SECTORS for _ in SPEEDS]
    for speed, wind in winds:
        band = next(n for n, (low, high) in enumerate(SPEEDS) if low <= speed < high)
        counts[band][round(wind / (360 / SECTORS)) % SECTORS] += 1
    bottom = [0.0] * SECTORS
    for band, shade in zip(range(len(SPEEDS)), SHADES, strict=True):
        heights = [100 * count / len(winds) for count in counts[band]]
        low, high = SPEEDS[band]
        label = f"{low:.0f}–{high:.0f} m/s" if high < math.inf else f"≥ {low:.0f} m/s"
        angles = [n * width for n in range(SECTORS)]
        axes.bar(angles, heights, width * 0.9, bottom, color=shade, edgecolor=INK, linewidth=0.4, label=label)
        bottom = [a + b for a, b in zip(bottom, heights, strict=True)]
    names = ("n", "ne", "e", "se", "s", "sw", "w", "nw")
    axes.set_xticks([n * math.pi / 4 for n in range(8)], [text(f"tracing.{name}", language) for name in names])
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0f}%")
    axes.tick_params(colors=INK)
    axes.grid(color="#d5dde1", linewidth=0.6)
    axes.spines["polar"].set_color(QUIET)
    for one in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        one.set_fontproperties(font(8))
    axes.legend(prop=font(8), frameon=False, loc="center left", bbox_to_anchor=(1.12, 0.5))
    most = max(range(SECTORS), key=lambda n: bottom[n])
    sector = text(f"tracing.{names[round(most / 2) % 8]}", language)
    alt = say("alt_rose", language, sector=sector, share=f"{bottom[most]:.0f}", count=len(winds))
    return (Figure(title=say("figure_rose", language), alt=alt, png=png(picture)),)


def trace_map(given: TraceMaterial, language: Language) -> tuple[Figure, ...]:
    """Return the map of stations, suspects, footprint, search area and round; no base map."""
    own = next((one.place for one in given.stations if one.subject), None) or given.event.place
    placed = [row for row in given.suspects if row.suspect.place is not None]
    if own is None:
        return ()
    picture, axes = canvas(6.1, 4.9)
    for ring in given.outlines:
        axes.add_patch(Polygon(ring, closed=True, facecolor="#f4f7f7", edgecolor=QUIET, linewidth=0.7, zorder=0))
    for area, alpha in zip(given.areas, (0.16, 0.28), strict=False):
        _fill(axes, area.polygons, SEARCH, alpha, "--")
    if given.footprint is not None:
        for contour in given.footprint.contours:
            _fill(axes, contour.polygons, CLOUD, 0.12, "-")
    _stations(axes, given)
    for number, row in reversed(list(enumerate(placed, 1))):
        place = row.suspect.place
        assert place is not None
        axes.scatter(place.lon, place.lat, s=150, color=CLOUD if number == 1 else INK, edgecolor="white", zorder=5)
        axes.annotate(str(number), (place.lon, place.lat), ha="center", va="center", color="white", zorder=6,
                      fontproperties=font(7.5))  # fmt: skip
    _round(axes, given)
    _frame(axes, given, own, language)
    alt = say("alt_map", language, station=given.name(given.event.subject), count=len(placed), stops=len(given.stops))
    return (Figure(title=say("figure_map", language), alt=alt, png=png(picture)),)


def _fill(axes: Any, polygons: Any, colour: str, alpha: float, line: str) -> None:
    for rings in polygons:
        points = [point for ring in rings for point in ring]
        codes = [code for ring in rings for code in (Path.MOVETO, *[Path.LINETO] * (len(ring) - 2), Path.CLOSEPOLY)]
        path = Path(points, codes)
        axes.add_patch(PathPatch(path, facecolor=colour, alpha=alpha, linewidth=0, zorder=1))
        axes.add_patch(PathPatch(path, fill=False, edgecolor=colour, linewidth=0.9, linestyle=line, zorder=2))


def _stations(axes: Any, given: TraceMaterial) -> None:
    top = max((one.rise or 0.0 for one in given.stations), default=0.0) or 1.0
    for one in given.stations:
        if one.place is None:
            continue
        size = 18 + 130 * max(one.rise or 0.0, 0.0) / top
        colour = HOT if one.stands_out else QUIET
        axes.scatter(one.place.lon, one.place.lat, s=size, color=colour, alpha=0.75, linewidth=0, zorder=3)
        if one.subject:
            axes.scatter(one.place.lon, one.place.lat, s=330, facecolor="none", edgecolor=HOT, linewidth=1.4,
                         linestyle="--", zorder=4)  # fmt: skip


def _round(axes: Any, given: TraceMaterial) -> None:
    if not given.stops:
        return
    axes.plot([one.lon for one in given.stops], [one.lat for one in given.stops], color=GO, linewidth=1.1, zorder=4,
              alpha=0.8)  # fmt: skip
    for number, one in enumerate(given.stops, 1):
        axes.annotate(
            chr(64 + number), (one.lon, one.lat), xytext=(9, 9), textcoords="offset points", zorder=7, color="white",
            fontproperties=font(7.5), ha="center", va="center",
            bbox={"boxstyle": "square,pad=0.25", "facecolor": GO, "edgecolor": "white", "linewidth": 0.6},
        )  # fmt: skip
        if one.kind != "suspect":
            axes.scatter(one.lon, one.lat, s=26, marker="D", color=GO, edgecolor="white", linewidth=0.6, zorder=6)


def _frame(axes: Any, given: TraceMaterial, own: Place, language: Language) -> None:
    """Show the station, likely suspects, stops and the 50 % area with a margin; a scale bar instead of a grid."""
    spots = [(own.lon, own.lat), *((one.lon, one.lat) for one in given.stops)]
    spots += [
        (row.suspect.place.lon, row.suspect.place.lat)
        for row in given.suspects[:5]
        if row.suspect.place is not None and row.suspect.probability >= 0.02
    ]
    if given.footprint is not None and given.footprint.contours:
        spots += [point for rings in given.footprint.contours[-1].polygons for point in rings[0]]
    shrink = math.cos(math.radians(own.lat))
    west, east = min(lon for lon, _ in spots), max(lon for lon, _ in spots)
    south, north = min(lat for _, lat in spots), max(lat for _, lat in spots)
    half = max((east - west) * shrink / 1.25, north - south, 0.024) * 0.62
    middle = ((west + east) / 2, (south + north) / 2)
    axes.set_xlim(middle[0] - 1.25 * half / shrink, middle[0] + 1.25 * half / shrink)
    axes.set_ylim(middle[1] - half, middle[1] + half)
    axes.set_aspect(1 / shrink)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_color(QUIET)
    wide = 2 * half * 111.32  # km from edge to edge
    length = next(km for km in (0.2, 0.5, 1, 2, 5, 10, 20, 50) if km >= wide / 6)
    left, low = middle[0] - 1.2 * half / shrink, middle[1] - 0.93 * half
    right = left + length / 111.32 / shrink
    axes.plot([left, right], [low, low], color=INK, linewidth=2.2, solid_capstyle="butt", zorder=8)
    axes.annotate(f"{length:g} km", ((left + right) / 2, low), xytext=(0, 5), textcoords="offset points", ha="center",
                  fontproperties=font(8), color=INK, zorder=8)  # fmt: skip
    axes.annotate(say("north", language), (0.965, 0.93), xycoords="axes fraction", ha="center", va="center",
                  fontproperties=font(9), color=INK, zorder=8)  # fmt: skip
    axes.annotate("", (0.965, 0.905), xytext=(0.965, 0.83), xycoords="axes fraction", textcoords="axes fraction",
                  arrowprops={"arrowstyle": "-|>", "color": INK}, zorder=8)  # fmt: skip

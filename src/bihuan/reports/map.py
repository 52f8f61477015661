"""The city's districts and stations coloured by their index, with its numeral; no base map."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.patches import Polygon

from bihuan.core import Language, Place
from bihuan.register import District, Station
from bihuan.reports.charts import COLOURS, INK, INKS, QUIET, canvas, font, png
from bihuan.reports.material import Material, word
from bihuan.reports.model import Figure


def city_map(
    given: Material, stations: list[dict[str, Any]], districts: list[dict[str, Any]], language: Language
) -> tuple[Figure, ...]:
    """Return the map, nothing where no station with an index has a place."""
    places: dict[str, Place] = {f"station:{one.id}": one.place for one in given.register.all(Station, given.day)}
    shown = [row for row in stations if row["site"] in places]
    if not shown:
        return ()
    picture, axes = canvas(6.1, 4.6)
    colour = {row["site"]: COLOURS.get(row["label"], QUIET) for row in districts}
    for district in given.register.all(District, given.day):
        for ring in district.boundary:
            fill = colour.get(f"district:{district.id}", "#eef1f2")
            axes.add_patch(Polygon(ring, closed=True, facecolor=fill, alpha=0.28, edgecolor=QUIET, linewidth=0.8))
        if district.centre:
            axes.annotate(
                given.name(f"district:{district.id}"),
                (district.centre.lon, district.centre.lat),
                ha="center", va="center", fontproperties=font(7), color="#4a5a63",
            )  # fmt: skip
    for row in shown:
        place = places[row["site"]]
        fill = COLOURS.get(row["label"], QUIET)
        axes.scatter(place.lon, place.lat, s=330, color=fill, edgecolor=INK, linewidth=0.7, zorder=3)
        axes.annotate(
            str(int(row["aqi"])), (place.lon, place.lat), ha="center", va="center", zorder=4,
            fontproperties=font(7), color=INKS.get(row["label"], "#10181c"),
        )  # fmt: skip
    axes.autoscale_view()
    axes.margins(0.06)
    axes.set_aspect(1 / math.cos(math.radians(places[shown[0]["site"]].lat)))
    axes.axis("off")
    lowest, highest = shown[0], shown[-1]
    alt = word(
        "alt_map",
        language,
        count=len(shown),
        low=given.name(lowest["site"]),
        low_aqi=int(lowest["aqi"]),
        high=given.name(highest["site"]),
        high_aqi=int(highest["aqi"]),
    )
    return (Figure(title=word("figure_map", language), alt=alt, png=png(picture)),)

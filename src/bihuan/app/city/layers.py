"""What the map of a synthetic city shows besides its register: its rivers, as a bureau would put its own file there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bihuan.app.city.plan import CityPlan
from bihuan.core import to_json


def rivers(plan: CityPlan) -> dict[str, Any]:
    """Return the courses of the rivers as GeoJSON."""
    features = []
    for river in plan.rivers:
        places = [plan.plane.place(east, north) for east, north in river.course]
        line = {"type": "LineString", "coordinates": [[place.lon, place.lat] for place in places]}
        features.append({"type": "Feature", "geometry": line, "properties": {"name": river.name}})
    return {"type": "FeatureCollection", "features": features}


def write_layers(plan: CityPlan, home: Path) -> None:
    """Write ``map/rivers.geojson`` into a home; the map draws every layer that lies there."""
    folder = home / "map"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rivers.geojson").write_bytes(to_json(rivers(plan)))

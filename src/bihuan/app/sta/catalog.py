"""What a session may see of the city as SensorThings names it: sites are Things, series are Datastreams.

Ids are texts that say what they are: ``station:1001A`` of a Thing, its Location and its FeatureOfInterest;
``station:1001A~pm25~hour`` of a Datastream; that and the start of the period of an Observation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, cast

from bihuan.app.access import Area
from bihuan.app.town import Town
from bihuan.core import INTERVALS, Interval, Language, NotCovered, Place, Ref, iso, pollutant, pollutants
from bihuan.register import Device, Fact
from bihuan.store import SeriesStore

FEED = "feed"
"""Sensor of series that came as files and have no instrument in the register."""

GEOJSON = "application/geo+json"
MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"


class Stream(NamedTuple):
    """One series of one site."""

    site: str
    pollutant: str
    interval: Interval


def stream_id(stream: Stream) -> str:
    """Write the id of a Datastream."""
    return "~".join(stream)


def stream_of(text: str) -> Stream | None:
    """Read the id of a Datastream, None where it is none."""
    site, _, rest = text.partition("~")
    code, _, interval = rest.partition("~")
    if interval not in INTERVALS or code not in pollutants() or ":" not in site:
        return None
    return Stream(site, code, interval)


@dataclass(frozen=True, slots=False, eq=False)
class Catalog:
    """The entities of one session.

    Attributes
    ----------
    town : Town
    area : Area
    series : SeriesStore
    language : Language
    """

    town: Town
    area: Area
    series: SeriesStore
    language: Language = "en"

    @cached_property
    def sites(self) -> Mapping[str, Fact | None]:
        """Every site that may be seen, by id; the city itself has no fact of its own."""
        found = {}
        for site in self.town.sites:
            if self.area.sees(site.ref, self.town):
                fact = (
                    self.town.cell if site.ref == self.town.ref else self.town.register.resolve(site.ref, self.town.on)
                )
                found[str(site.ref)] = fact
        return found

    @cached_property
    def streams(self) -> tuple[Stream, ...]:
        """Every series that may be seen and holds something."""
        found: set[Stream] = set()
        for table, interval in (("hours", "hour"), ("days", "day")):
            rows = self.series.query(f"SELECT DISTINCT site, pollutant FROM {table} WHERE stat = 'avg'")
            found |= {Stream(site, code, cast(Interval, interval)) for site, code in rows.iter_rows()}
        for device, code, interval in self.series.latest().select("device", "pollutant", "interval").iter_rows():
            site = self.town.site_of.get(device)
            if site and interval in ("minute", "rt"):
                found.add(Stream(site, code, cast(Interval, interval)))
        return tuple(sorted(one for one in found if one.site in self.sites and one.pollutant in pollutants()))

    def devices(self, site: str) -> tuple[Device, ...]:
        """Return the instruments of a site."""
        return self.town.register.devices_of(Ref.parse(site), self.town.on)

    def place(self, site: str) -> Place | None:
        """Return where a site stands."""
        return self.town.register.place_of(Ref.parse(site), self.town.on) or getattr(self.sites[site], "centre", None)

    # -- entities --------------------------------------------------------------------------------------------------

    def thing(self, site: str) -> dict[str, Any]:
        """A site."""
        fact = self.sites[site]
        told = {"kind": getattr(fact, "kind", ""), "district": getattr(fact, "district", "")}
        name = fact.name if fact is not None and fact.name else site
        properties = {key: value for key, value in told.items() if value}
        return {"@iot.id": site, "name": name, "description": site, "properties": properties}

    def location(self, site: str) -> dict[str, Any]:
        """Where a site stands."""
        name = self.thing(site)["name"]
        return {
            "@iot.id": site,
            "name": name,
            "description": site,
            "encodingType": GEOJSON,
            "location": self._point(site),
        }

    def feature(self, site: str) -> dict[str, Any]:
        """What a site samples: the air, water or stack at its place."""
        name = self.thing(site)["name"]
        return {
            "@iot.id": site,
            "name": name,
            "description": site,
            "encodingType": GEOJSON,
            "feature": self._point(site),
        }

    def _point(self, site: str) -> dict[str, Any]:
        place = self.place(site)
        return {"type": "Point", "coordinates": [place.lon, place.lat] if place else []}

    def history(self, site: str) -> list[dict[str, Any]]:
        """Since when a site has stood where; one row a dated span of the register."""
        fact = self.sites[site]
        if fact is None:
            return []
        spans = [one for one in self.town.register if type(one) is type(fact) and one.id == fact.id]
        return [
            {"@iot.id": f"{site}@{one.valid_from}", "time": iso_day(one.valid_from.isoformat()), "_site": site}
            for one in spans
        ]

    def sensor(self, device: str) -> dict[str, Any]:
        """An instrument, or the files that a series came from."""
        row = self.town.devices.get(device)
        told = row.protocol if row is not None else FEED
        name = row.name if row is not None and row.name else device
        return {
            "@iot.id": device,
            "name": name,
            "description": told,
            "encodingType": "text/plain",
            "metadata": told,
            "properties": {"maintainer": row.maintainer} if row is not None and row.maintainer else {},
        }

    def sensor_of(self, stream: Stream) -> str:
        """Return the instrument of a series: the first of its site, or the feed."""
        devices = self.devices(stream.site)
        return devices[0].id if devices else FEED

    def observed_property(self, code: str) -> dict[str, Any]:
        """A pollutant."""
        about = pollutant(code)
        return {
            "@iot.id": code,
            "name": about.zh if self.language == "zh" else about.en,
            "definition": f"urn:bihuan:pollutant:{code}",
            "description": f"{about.zh} {about.en}",
            "properties": {"hj212": list(about.hj212_2017), "cas": about.cas},
        }

    def datastream(self, stream: Stream) -> dict[str, Any]:
        """A series."""
        about = pollutant(stream.pollutant)
        unit = about.outlet_unit if stream.site.startswith("outlet:") else about.unit
        site = self.thing(stream.site)["name"]
        return {
            "@iot.id": stream_id(stream),
            "name": f"{site} {about.zh if self.language == 'zh' else about.en} {stream.interval}",
            "description": f"{stream.pollutant} of {stream.site}, {stream.interval}",
            "observationType": MEASUREMENT,
            "unitOfMeasurement": {"name": unit, "symbol": unit, "definition": f"urn:bihuan:unit:{unit}"},
            "properties": {"interval": stream.interval, "pollutant": stream.pollutant, "site": stream.site},
        }

    def known(self, code: str) -> bool:
        """Say whether a pollutant is observed anywhere that may be seen."""
        try:
            pollutant(code)
        except NotCovered:
            return False
        return any(stream.pollutant == code for stream in self.streams)


def iso_day(day: str) -> str:
    """Return the first instant of a day as SensorThings writes times."""
    return f"{day}T00:00:00Z"


def observation(stream: Stream, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one value of a series."""
    start, end = iso(row["start"]), iso(row["end"])
    quality = {key: row[key] for key in ("quality", "reason", "mark", "level") if row.get(key)}
    return {
        "@iot.id": f"{stream_id(stream)}~{start}",
        "phenomenonTime": f"{start}/{end}",
        "resultTime": end,
        "result": row["value"],
        "resultQuality": quality,
        "parameters": {"frame": row["frame"]} if row.get("frame") else {},
    }

"""The plan of the synthetic city: everything the loop may see before the first frame arrives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bihuan.app.city.draws import table
from bihuan.app.city.enterprises import draw_enterprises, draw_waste_water
from bihuan.app.city.ground import Ground, River, lay_ground
from bihuan.app.city.loggers import draw_loggers
from bihuan.app.city.people import draw_managers, draw_people
from bihuan.app.city.sites import Taken, draw_dust_stations, draw_sections, draw_stations, draw_worksites
from bihuan.app.city.sky import seen_weather, true_weather
from bihuan.core import Place, Plane, Ref, Weather, local_date, parse_instant
from bihuan.register import Fact, Outlet, Register, Station

URBAN = True
"""The city's ground is urban to dispersion: a fact that anybody sees, so tracer and city may both use it."""


@dataclass(frozen=True, slots=True, eq=False)
class CityPlan:
    """A city as its bureau knows it; in rough mode some of what it knows is wrong.

    Attributes
    ----------
    seed : int
    hours : int
        How long the weather reaches from `start`.
    rough : bool
    name : str
        合成市.
    start : datetime
        UTC; midnight of the city.
    centre : Place
        In a desert where no city stands.
    register : Register
        Districts, cells, people, duties, stations, outlets, worksites, sections, loggers.
    rivers : tuple of River
        Courses, for maps and for the order of outlets and sections.
    weather : Weather
        Hourly weather that the loop may believe.
    urban : bool
        Terrain for dispersion.
    """

    seed: int
    hours: int
    rough: bool
    name: str
    start: datetime
    centre: Place
    register: Register
    rivers: tuple[River, ...]
    weather: Weather
    urban: bool = URBAN

    @property
    def end(self) -> datetime:
        """First instant after the city's time, UTC."""
        return self.start + timedelta(hours=self.hours)

    @property
    def plane(self) -> Plane:
        """The metric plane of the city."""
        return Plane(self.centre)

    def gate_of(self, source: Ref | None) -> Ref | None:
        """Where one knocks to visit a source: its enterprise for an outlet, itself otherwise."""
        fact = self.register.resolve(source, local_date(self.start)) if source else None
        return Ref("enterprise", fact.enterprise) if isinstance(fact, Outlet) else source


def plan_city(seed: int, hours: int = 48, rough: bool = False) -> CityPlan:
    """Draw a city from its seed.

    Parameters
    ----------
    seed : int
    hours : int
        Of weather.
    rough : bool
        Whether the weather told to the loop is wrong, as `rough.toml` says. The register itself is the same
        in both modes: in rough mode the truth differs from it.
    """
    start = parse_instant(table("defaults")["start"])
    ground = lay_ground(seed)
    facts = _facts(seed, ground)
    mast = next(f for f in facts if isinstance(f, Station) and f.kind == "weather")
    true = true_weather(seed, start, hours, mast.place)
    return CityPlan(
        seed=seed,
        hours=hours,
        rough=rough,
        name=table("names")["city"],
        start=start,
        centre=ground.plane.centre,
        register=Register(facts),
        rivers=ground.rivers,
        weather=seen_weather(seed, true, rough),
    )


def _facts(seed: int, ground: Ground) -> list[Fact]:
    taken = Taken()
    stations = draw_stations(seed, ground, taken)
    enterprises = draw_enterprises(seed, ground, taken)
    waste_water = draw_waste_water(seed, ground, taken)
    worksites = draw_worksites(seed, ground, taken)
    sites = [
        *stations,
        *draw_dust_stations(seed, ground, worksites),
        *enterprises,
        *waste_water,
        *worksites,
        *draw_sections(ground),
    ]
    return [*ground.facts, *draw_people(ground.facts), *draw_managers(enterprises), *sites, *draw_loggers(seed, sites)]

"""Planting the incidents: drawn from the seed, realistic in size, and apart enough to tell one from another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from bihuan.app.city.draws import Float, between, draws, log_between, table
from bihuan.app.city.enterprises import air_rates, normal_flow, unfolded, usual_o2, water_flow
from bihuan.app.city.forward import AIR, QUICK, air_stations, responses, running
from bihuan.app.city.ground import travel_time, way_along
from bihuan.app.city.plan import CityPlan
from bihuan.app.city.sites import FACTORS
from bihuan.app.city.sky import local_hours
from bihuan.app.city.truth import STEP, Incident, IncidentKind, Truth, lay_truth
from bihuan.core import HOUR, Period, Place, Ref, Source, local_date
from bihuan.physics import GaussianPlume
from bihuan.register import Outlet, Section, Station

LATER: tuple[IncidentKind, ...] = ("night_stack", "hidden_source", "falsified", "silent", "water_outfall")
ORDERS: tuple[tuple[IncidentKind, ...], ...] = (("dust_site", "regional", *LATER), ("regional", "dust_site", *LATER))
"""Those with the fewest places and hours to choose from come first, in turn."""

MODES = ("flat", "clipped", "copied")
SCHEDULES = 60
TRIES = 1200
SEEN_AS = {"so2": ("so2",), "nox": ("no2",), "pm": ("pm10", "pm25")}
"""Own pollutant of a stack -> what stations see, main one first."""


def draw_truth(plan: CityPlan) -> Truth:
    """Return the hidden truth of a city with its incidents planted.

    A schedule in which some kind found no room for its least number is thrown away and drawn again.
    """
    truth = lay_truth(plan)
    for schedule in range(SCHEDULES):
        planter = Planter(truth, schedule)
        if planter.plant_all(strictly=schedule < SCHEDULES - 1):
            break
    return replace(truth, incidents=tuple(sorted(planter.planted, key=lambda i: (i.period.start, i.id))))


@dataclass(slots=True)
class Planter:
    """Draws incidents one by one and keeps those that fit beside the earlier ones."""

    truth: Truth
    schedule: int = 0
    planted: list[Incident] = field(default_factory=list)
    stations: tuple[Station, ...] = field(init=False)
    east: Float = field(init=False)
    north: Float = field(init=False)
    listed: tuple[Float, Float] = field(init=False)
    measured: dict[str, NDArray[np.bool_]] = field(init=False)
    onsets: dict[IncidentKind, NDArray[np.int64]] = field(init=False)
    plume: GaussianPlume = field(init=False)

    def __post_init__(self) -> None:
        plan = self.truth.plan
        self.plume = GaussianPlume(plan.plane, urban=plan.urban)
        self.stations = air_stations(plan)
        self.east, self.north = _where(plan, [station.place for station in self.stations])
        self.listed = _where(plan, [source.place for source in self.truth.sources])
        self.measured = {name: np.array([name in FACTORS[s.kind] for s in self.stations]) for name in AIR}
        self.onsets = {kind: self._onsets(kind) for kind in ORDERS[0]}

    def plant_all(self, strictly: bool) -> bool:
        """Plant every kind; strictly: give up as soon as one of the six does not reach its least number."""
        settings = table("defaults")["incidents"]
        share = self.truth.plan.hours / settings["per_hours"]
        rng = draws(self.truth.plan.seed, "how many", self.schedule)
        for kind in ORDERS[self.schedule % len(ORDERS)]:
            more = int(rng.integers(2)) if kind in {"night_stack", "dust_site", "silent"} else 0
            for number in range(1, max(1, round((settings[kind] + more) * share)) + 1):
                self.plant(kind, number)
            planted = sum(incident.kind == kind for incident in self.planted)
            free = kind == "water_outfall" or not len(self.onsets[kind])
            least = 0 if free else int(settings["least"] * share)
            if strictly and planted < least:
                return False
        return True

    def plant(self, kind: IncidentKind, number: int) -> None:
        """Draw until one fits; the wish to be well visible is lowered step by step if none does."""
        makers: dict[str, Callable[[np.random.Generator, Period, int], Incident | None]] = {
            "night_stack": self._night_stack,
            "dust_site": self._dust_site,
            "hidden_source": self._hidden_source,
            "regional": self._regional,
            "falsified": self._falsified,
            "silent": self._silent,
            "water_outfall": self._water_outfall,
        }
        rng = draws(self.truth.plan.seed, "incident", kind, number, self.schedule)
        wishes = table("defaults")["incidents"]["visible"]
        for attempt in range(TRIES):
            period = self._period(rng, kind)
            incident = None if period is None else makers[kind](rng, period, number)
            if incident is None or any(disturb(incident, old) for old in self.planted):
                continue
            if self._visible(incident, wishes[attempt * len(wishes) // TRIES]):
                self.planted.append(incident)
                return

    def _onsets(self, kind: IncidentKind) -> NDArray[np.int64]:
        """Steps at which a kind may begin; a window past 24 reaches into the next morning."""
        plan, settings = self.truth.plan, table("defaults")["incidents"]
        low, high = settings[f"{kind}_at"]["onset"]
        steps = int(timedelta(hours=plan.hours) / STEP)
        since = np.arange(steps) * STEP.total_seconds() / 3600
        local = local_hours(plan.start, steps, STEP)
        inside = ((local >= low) & (local < high)) | (local + 24 < high)
        inside &= (since >= settings["quiet_first"]) & (since <= plan.hours - settings["quiet_last"])
        return np.flatnonzero(inside)

    def _period(self, rng: np.random.Generator, kind: IncidentKind) -> Period | None:
        """Draw onset and end, on whole steps."""
        plan, at = self.truth.plan, table("defaults")["incidents"][f"{kind}_at"]
        if not len(self.onsets[kind]):
            return None
        onset = plan.start + int(rng.choice(self.onsets[kind])) * STEP
        lasts = round(between(rng, at["lasts"]) * 3600 / STEP.total_seconds())
        return Period(onset, min(onset + lasts * STEP, plan.end))

    def _visible(self, incident: Incident, wish: Sequence[float]) -> bool:
        """Say whether the stations in reach see enough of an emission for long enough, and none too much.

        Judged by the steady plume, and in rough mode by the puffs of the true wind as well.
        """
        if incident.emitter is None or incident.amounts is None:
            return True
        emitter, amount = incident.emitter, incident.amounts[incident.pollutants[0]]
        hourly = self.plume.unit_response([emitter], self.east, self.north, self.truth.weather)[:, :, 0]
        if not self._enough(incident, hourly * amount, wish):
            return False
        if self.truth.wind is None:
            return True
        on = running(self.truth, incident.period.start, incident.period.end)[:, None]
        steps = responses(self.truth, self.stations, [emitter], on, QUICK)[:, :, 0]
        hourly = steps.reshape(self.truth.plan.hours, -1, steps.shape[1]).mean(axis=1)
        return self._enough(incident, hourly * amount, wish)

    def _enough(self, incident: Incident, rise: Float, wish: Sequence[float]) -> bool:
        """The same for given hourly rises, shape (hours, stations). [ug/m3]"""
        settings, main = table("defaults")["incidents"], incident.pollutants[0]
        visible, least_hours, second = wish
        onset, end = (t - self.truth.plan.start for t in (incident.period.start, incident.period.end))
        hours = rise[-(-onset // HOUR) : end // HOUR]
        east, north = self.truth.plan.plane.forward(incident.place.lon, incident.place.lat)
        away = np.where(self.measured[main], np.hypot(self.east - east, self.north - north) / 1000, np.inf)
        if not len(hours) or not (away <= settings["reach"]).any():
            return False
        near = hours[:, away <= settings["reach"]].max(axis=1)
        others = np.sort(hours[:, away <= settings["second_reach"]].max(axis=0))
        return (
            int((near >= visible).sum()) >= least_hours
            and (second == 0.0 or (len(others) > 1 and float(others[-2]) >= second))
            and float(rise[onset // HOUR : -(-end // HOUR)].max()) <= settings["ceiling"]
        )

    def _night_stack(self, rng: np.random.Generator, period: Period, number: int) -> Incident | None:
        """A listed stack with its cleaning switched off; some monitors are told to hide it."""
        settings = table("defaults")["incidents"]["night_stack_at"]
        k = int(rng.integers(sum(source.shape == "stack" for source in self.truth.sources)))
        source = self.truth.sources[k]
        outlet = self.truth.plan.register.need(Outlet, source.ref.id, local_date(period.start))
        limit = outlet.limits[int(rng.integers(len(outlet.limits)))]
        folded = log_between(rng, settings["factor"][limit.pollutant]) * limit.limit
        full = normal_flow(outlet) * unfolded(folded, outlet, usual_o2(outlet)) / 1000
        amounts = air_rates({limit.pollutant: max(full - source.rates[limit.pollutant], 0.0)})
        seen = SEEN_AS[limit.pollutant]
        honest = number == 1 or (number > 2 and rng.random() < settings["honest"])
        return Incident(
            id=f"night_stack-{number}",
            kind="night_stack",
            period=period,
            place=source.place,
            pollutants=seen,
            source=source.ref,
            amounts=amounts,
            emitter=source,
            honest=honest,
        )

    def _dust_site(self, rng: np.random.Generator, period: Period, number: int) -> Incident | None:
        """A listed building site, yard or bare plot that works without cover or water."""
        sites = [k for k, source in enumerate(self.truth.sources) if source.shape == "area" and source.kind != "road"]
        k = sites[int(rng.integers(len(sites)))]
        source = self.truth.sources[k]
        shares = table("defaults")["worksites"][source.kind]
        pm10 = log_between(rng, table("defaults")["incidents"]["dust_site_at"]["pm10"])
        amounts = {"pm10": pm10, "pm25": pm10 * shares["pm25_share"], "tsp": pm10 * shares["tsp_share"]}
        return Incident(
            id=f"dust_site-{number}",
            kind="dust_site",
            period=period,
            place=source.place,
            radius=source.side / 2,
            pollutants=("pm10", "tsp", "pm25"),
            source=source.ref,
            amounts=amounts,
            emitter=source,
        )

    def _hidden_source(self, rng: np.random.Generator, period: Period, number: int) -> Incident | None:
        """An unlisted boiler or a heap of burning waste, away from everything the register knows."""
        settings = table("defaults")["incidents"]
        place = self._unlisted(rng, period)
        if place is None:
            return None
        name = ("boiler", "burning")[int(rng.integers(2))]
        row = settings["hidden_kinds"][name]
        if name == "boiler":
            so2 = log_between(rng, row["so2"])
            amounts = {"so2": so2, "pm25": so2 * row["pm25_of_so2"], "pm10": so2 * row["pm25_of_so2"]}
        else:
            pm25 = log_between(rng, row["pm25"])
            amounts = {"pm25": pm25, "pm10": pm25 * row["pm10_of_pm25"], "co": pm25 * row["co_of_pm25"]}
        emitter = Source(
            ref=Ref("hidden", f"hidden_source-{number}"),
            name=name,
            place=place,
            shape="area",
            rates=amounts,
            height=between(rng, row["height"]),
            side=15.0,
            kind="burning",
        )
        return Incident(
            id=f"hidden_source-{number}",
            kind="hidden_source",
            period=period,
            place=place,
            pollutants=tuple(amounts),
            hidden=True,
            amounts=amounts,
            emitter=emitter,
        )

    def _unlisted(self, rng: np.random.Generator, period: Period) -> Place | None:
        """Draw a place roughly upwind of a station and away from every listed source."""
        plan, settings = self.truth.plan, table("defaults")["incidents"]["hidden_source_at"]
        hour = (period.start + period.length / 2 - plan.start) // HOUR
        k = int(rng.integers(len(self.stations)))
        bearing = np.radians(self.truth.weather.wind_from[hour] + between(rng, (-50, 50)))
        distance = between(rng, settings["distance"]) * 1000
        east = float(self.east[k] + distance * np.sin(bearing))
        north = float(self.north[k] + distance * np.cos(bearing))
        near = np.hypot(self.listed[0] - east, self.listed[1] - north).min() < settings["apart"]
        far = np.hypot(east, north) > table("defaults")["area"]["works"] * 1000
        return None if near or far else plan.plane.place(east, north)

    def _regional(self, rng: np.random.Generator, period: Period, number: int) -> Incident:
        """Fine particles carried in from outside: every station rises."""
        settings = table("defaults")["incidents"]["regional_at"]
        pm25 = between(rng, settings["pm25"])
        return Incident(
            id=f"regional-{number}",
            kind="regional",
            period=period,
            place=self.truth.plan.centre,
            radius=table("defaults")["area"]["radius"] * 1000,
            pollutants=("pm25", "pm10"),
            rise={"pm25": pm25, "pm10": pm25 * settings["pm10_share"]},
        )

    def _site(self, rng: np.random.Generator, outlets: float) -> tuple[Ref, Place, tuple[str, ...]]:
        """Draw a measured site: its reference, place and what it sends."""
        if rng.random() < outlets:
            day = local_date(self.truth.plan.start)
            stacks = [o for o in self.truth.plan.register.all(Outlet, day) if o.medium == "air"]
            outlet = stacks[int(rng.integers(len(stacks)))]
            return Ref("outlet", outlet.id), outlet.place, tuple(limit.pollutant for limit in outlet.limits)
        station = self.stations[int(rng.integers(len(self.stations)))]
        return Ref("station", station.id), station.place, FACTORS[station.kind]

    def _falsified(self, rng: np.random.Generator, period: Period, number: int) -> Incident:
        """A logger made to send what it should not: held, cut off at a ceiling, or yesterday's values again."""
        subject, place, factors = self._site(rng, 0.4)
        mode = MODES[(self.truth.plan.seed + number) % len(MODES)]
        ident = f"falsified-{number}"
        return Incident(
            id=ident, kind="falsified", period=period, place=place, pollutants=factors, subject=subject, mode=mode
        )

    def _silent(self, rng: np.random.Generator, period: Period, number: int) -> Incident:
        """A logger that stops sending."""
        subject, place, _ = self._site(rng, 0.3)
        return Incident(id=f"silent-{number}", kind="silent", period=period, place=place, subject=subject)

    def _water_outfall(self, rng: np.random.Generator, period: Period, number: int) -> Incident | None:
        """A waste-water outlet far over its limits; its river shows it at the next section."""
        plan, settings = self.truth.plan, table("defaults")["incidents"]["water_outfall_at"]
        outlets = [o for o in plan.register.all(Outlet, local_date(plan.start)) if o.medium == "water"]
        outlet = outlets[int(rng.integers(len(outlets)))]
        factor, flow = between(rng, settings["factor"]), water_flow(outlet)
        amounts = {
            limit.pollutant: factor * limit.limit * flow - outlet.rates[limit.pollutant] for limit in outlet.limits
        }
        river = next(river for river in plan.rivers if river.name == outlet.river)
        reached = _downstream(plan, outlet)
        soon = min(reached.values(), default=plan.hours * 3600.0)
        late = period.start + timedelta(seconds=soon) + 2 * HOUR > plan.end
        if late or amounts["nh3n"] / river.flow < settings["nh3n"]:
            return None
        return Incident(
            id=f"water_outfall-{number}",
            kind="water_outfall",
            period=period,
            place=outlet.place,
            pollutants=("nh3n", "codmn", "tp"),
            source=Ref("outlet", outlet.id),
            amounts=amounts,
            downstream=reached,
        )


def _where(plan: CityPlan, places: list[Place]) -> tuple[Float, Float]:
    return plan.plane.forward([place.lon for place in places], [place.lat for place in places])


def _downstream(plan: CityPlan, outlet: Outlet) -> dict[Ref, float]:
    """Sections that an outlet's water reaches and how long it takes. [s]"""
    rivers = {river.name: river for river in plan.rivers}
    start = (outlet.river, way_along(rivers[outlet.river], plan.plane, outlet.place))
    found = {}
    for section in plan.register.all(Section, local_date(plan.start)):
        end = (section.river, way_along(rivers[section.river], plan.plane, section.place))
        time = travel_time(plan.rivers, start, end)
        if time is not None:
            found[Ref("section", section.id)] = time
    return found


def disturb(one: Incident, other: Incident) -> bool:
    """Say whether two incidents share a cause or device, or could be taken for each other."""
    settings = table("defaults")["incidents"]
    if ({one.source, one.subject} & {other.source, other.subject}) - {None}:
        return True
    margin = timedelta(hours=settings["between"])
    kinds = {one.kind, other.kind}
    if not Period(one.period.start - margin, one.period.end + margin).overlaps(other.period):
        return False
    if "water_outfall" in kinds and len(kinds) > 1:
        return False
    if "regional" in kinds:
        mains = set(one.pollutants[:1]) & set(other.pollutants) | set(other.pollutants[:1]) & set(one.pollutants)
        return bool(mains) and not kinds & {"falsified", "silent"}
    return bool(one.place.distance(other.place) < settings["apart"] * 1000)

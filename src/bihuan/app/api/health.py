"""Whether the server lives and keeps up: for people, for probes of the platform it runs on, and for Prometheus."""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_address
from typing import Annotated

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from pydantic import BaseModel, Field

from bihuan import __version__
from bihuan.app.access import Session
from bihuan.app.api.device_lines import ComplaintCount, complaint_words
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs, session_of
from bihuan.app.api.office import Office
from bihuan.app.pulse import GatewayPulse, Pulse, feel
from bihuan.app.upkeep import Unsent, Upkeep, look_after
from bihuan.core import Language

router = APIRouter(tags=["health"], responses=PROBLEMS)  # type: ignore[arg-type]


class Alive(BaseModel):
    """The process answers."""

    status: str


class Ready(BaseModel):
    """Whether the loop keeps up; what keeps it from doing so."""

    ready: bool
    marks: dict[str, str] = Field(description="loop, gateways, journal, devices, disk: ok, look or wrong")
    trouble: str = Field(default="", description="what keeps the loop from going on; empty when nothing does")
    skipped_frames: int = Field(default=0, description="frames left out of damaged parts of the journal, at least")


class SkippedHealth(BaseModel):
    """What was left out of one damaged segment of the journal; everything behind it was taken in."""

    name: str
    at: datetime = Field(description="when it was met first")
    frames: int = Field(description="at least so many; 0 where it cannot be said")
    size: int = Field(description="bytes")
    words: str


class GatewayHealth(BaseModel):
    """One gateway."""

    name: str
    running: bool
    told: datetime | None
    connections: int
    received: int
    acknowledged: int
    quarantined: int
    p50: float | None = Field(description="seconds from a frame's arrival to its answer, since the process began")
    p99: float | None
    unread: bool
    behind: int = Field(description="bytes the loop has not read yet; -1 for more than a segment")


class DevicesHealth(BaseModel):
    """Loggers of the register, and whether they are heard."""

    known: int
    heard: int = Field(description="heard within the hour, or within three reports where these lie further apart")
    silent: int
    last: datetime | None = Field(description="when the last frame of any logger came")


class NoticesHealth(BaseModel):
    """Notices that no channel has taken."""

    waiting: int = Field(description="will be tried again")
    oldest: datetime | None = Field(description="since when the first of them waits")
    given_up: int = Field(description="within the last day; nobody tries them again")
    channels: dict[str, int]
    detail: str = Field(description="what the channel said last")


class JobsHealth(BaseModel):
    """Jobs since the start of the server."""

    waiting: int
    running: int
    done: int
    failed: int


class Health(BaseModel):
    """The pulse of the server, and what its keeper looks after."""

    version: str
    began: datetime | None = Field(description="since when the server runs")
    at: datetime
    watermark: datetime | None
    loop_lag: float | None
    trouble: str
    failures: int
    clock_jumps: int
    readings: int
    unclaimed: int
    complaints: list[ComplaintCount]
    gateways: list[GatewayHealth]
    free: int
    total: int
    viewers: int
    slowest: float | None = Field(description="slowest hundredth of the answers of any gateway [s]")
    devices: DevicesHealth
    notices: NoticesHealth
    jobs: JobsHealth
    skipped: list[SkippedHealth]
    backup: datetime | None = Field(description="the last one taken by bihuan backup; null where none is known")
    marks: dict[str, str] = Field(
        description="answers, journal, loop, gateways, devices, heard, disk, notices, jobs, backup: ok, look or wrong"
    )


@router.get("/healthz")
def healthz() -> Alive:
    """Say that the process answers; nothing else is looked at."""
    return Alive(status="ok")


@router.get("/readyz", responses={503: {"model": Ready}})
def readyz(office: TheOffice, response: Response) -> Ready:
    """Say whether the loop keeps up and the disk has room; 503 when not."""
    pulse = pulse_of(office)
    response.status_code = 200 if pulse.ready else 503
    skipped = sum(one.frames for one in pulse.skipped)
    return Ready(ready=pulse.ready, marks=dict(pulse.marks), trouble=pulse.trouble, skipped_frames=skipped)


@router.get("/api/health")
def health(office: TheOffice, session: Annotated[Session, needs("health.read")], language: TheLanguage) -> Health:
    """Tell everything that says how well the server is."""
    pulse = pulse_of(office)
    return _health(pulse, upkeep_of(office, pulse), language)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(office: TheOffice, request: Request) -> Response:
    """Tell the same to Prometheus: from this machine, or to whoever may read it."""
    if not _from_here(request) and not session_of(request, office).may("health.read"):
        raise Refused(403, "no_right", "/metrics is for this machine, or for a login with the right health.read")
    registry = CollectorRegistry(auto_describe=False)
    pulse = pulse_of(office)
    registry.register(_Collected(pulse, upkeep_of(office, pulse), registry))
    return Response(generate_latest(registry), media_type="text/plain; version=0.0.4; charset=utf-8")


def pulse_of(office: Office) -> Pulse:
    """Return the pulse of the running server."""
    ingest = office.loop.ingest
    return feel(office.store, ingest.counts, ingest.read_to, office.now, office.live.listeners)


def upkeep_of(office: Office, pulse: Pulse) -> Upkeep:
    """Return what the keeper of the running server looks after besides."""
    deliveries, devices = office.desk.notifications.deliveries(), office.town.devices
    return look_after(pulse, deliveries, office.lines, devices, office.jobs.all(), office.store.records)


def _from_here(request: Request) -> bool:
    """Whether the request comes from this machine itself, not through a proxy on it."""
    if request.client is None or "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _health(pulse: Pulse, kept: Upkeep, language: Language) -> Health:
    return Health(
        version=__version__,
        began=pulse.began,
        at=pulse.at,
        watermark=pulse.watermark,
        loop_lag=pulse.loop_lag,
        trouble=pulse.trouble,
        failures=pulse.failures,
        clock_jumps=pulse.clock_jumps,
        readings=pulse.readings,
        unclaimed=pulse.unclaimed,
        complaints=[
            ComplaintCount(reason=reason, words=complaint_words(reason, language), frames=count)
            for reason, count in pulse.complaints.items()
        ],
        gateways=[_gateway(gate) for gate in pulse.gateways],
        free=pulse.free,
        total=pulse.total,
        viewers=pulse.viewers,
        slowest=kept.slowest,
        devices=DevicesHealth(
            known=kept.heard.known, heard=kept.heard.heard, silent=kept.heard.silent, last=kept.heard.last
        ),
        notices=NoticesHealth(
            waiting=kept.unsent.waiting,
            oldest=kept.unsent.oldest,
            given_up=kept.unsent.given_up,
            channels=kept.unsent.channels,
            detail=kept.unsent.detail,
        ),
        jobs=JobsHealth(**{state: kept.jobs.get(state, 0) for state in JobsHealth.model_fields}),
        skipped=[
            SkippedHealth(name=one.name, at=one.at, frames=one.frames, size=one.size, words=one.words(language))
            for one in pulse.skipped
        ],
        backup=kept.backup,
        marks={**pulse.marks, **kept.marks},
    )


def _gateway(gate: GatewayPulse) -> GatewayHealth:
    return GatewayHealth(
        name=gate.name,
        running=gate.running,
        told=gate.told,
        connections=gate.connections,
        received=gate.frames["frames_received"],
        acknowledged=gate.frames["frames_acknowledged"],
        quarantined=gate.frames["frames_quarantined"],
        p50=gate.p50,
        p99=gate.p99,
        unread=gate.unread,
        behind=gate.behind,
    )


class _Collected(Collector):
    """One pulse in the words of Prometheus; gauges are set, sums are handed over as they stand."""

    def __init__(self, pulse: Pulse, kept: Upkeep, registry: CollectorRegistry) -> None:
        self._pulse = pulse
        for name, help_, value in (
            ("bihuan_loop_lag_seconds", "Now minus the last complete step.", pulse.loop_lag),
            ("bihuan_live_viewers", "Pages that listen.", pulse.viewers),
            ("bihuan_disk_free_bytes", "Free room where the store lies.", pulse.free),
            ("bihuan_unclaimed_devices", "Loggers that wait to be claimed.", pulse.unclaimed),
            ("bihuan_devices", "Loggers of the register.", kept.heard.known),
            ("bihuan_silent_devices", "Loggers of the register that are silent.", kept.heard.silent),
            ("bihuan_unsent_notices", "Notices that wait to be sent.", kept.unsent.waiting),
            ("bihuan_oldest_unsent_notice_seconds", "For how long the first of them waits.", _age(pulse, kept.unsent)),
            ("bihuan_notices_given_up", "Notices given up within a day.", kept.unsent.given_up),
            ("bihuan_last_backup_timestamp_seconds", "When.", kept.backup.timestamp() if kept.backup else None),
            ("bihuan_connections", "Connections of devices.", sum(gate.connections for gate in pulse.gateways)),
            ("bihuan_loop_failures", "Steps of the loop that failed since the start.", pulse.failures),
            ("bihuan_journal_skipped_frames", "Left out as damaged.", sum(one.frames for one in pulse.skipped)),
            ("bihuan_clock_jumps", "Times the clock was set since the start.", pulse.clock_jumps),
            ("bihuan_ready", "1 when the loop keeps up.", int(pulse.ready)),
        ):
            if value is not None:
                Gauge(name, help_, registry=registry).set(value)
        lag = Gauge("bihuan_journal_lag_bytes", "Journal not read by the loop yet.", ["gateway"], registry=registry)
        for gate in pulse.gateways:
            lag.labels(gate.name).set(gate.behind)
        jobs = Gauge("bihuan_jobs", "Jobs since the start by state.", ["state"], registry=registry)
        for state in JobsHealth.model_fields:
            jobs.labels(state).set(kept.jobs.get(state, 0))
        build = Gauge("bihuan_build_info", "Always 1; the version is a label.", ["version"], registry=registry)
        build.labels(__version__).set(1)

    def collect(self) -> list[CounterMetricFamily | HistogramMetricFamily]:
        """Return sums and the latency of acknowledgements."""
        frames = CounterMetricFamily("bihuan_frames", "Frames by gateway and fate.", labels=["gateway", "fate"])
        latency = HistogramMetricFamily(
            "bihuan_acknowledgement_seconds", "From a frame's arrival to its answer.", labels=["gateway"]
        )
        for gate in self._pulse.gateways:
            for name, count in gate.frames.items():
                frames.add_metric([gate.name, name.removeprefix("frames_")], count)
            latency.add_metric([gate.name], _buckets(gate.classes), sum_value=None)
        complaints = CounterMetricFamily("bihuan_complaints", "Complaints by reason.", labels=["reason"])
        for reason, count in self._pulse.complaints.items():
            complaints.add_metric([reason], count)
        readings = CounterMetricFamily("bihuan_readings", "Readings taken in.", value=self._pulse.readings)
        return [frames, latency, complaints, readings]


def _age(pulse: Pulse, unsent: Unsent) -> float:
    """How long the first unsent notice waits, 0 while none does. [s]"""
    return max(0.0, (pulse.at - unsent.oldest).total_seconds()) if unsent.oldest else 0.0


def _buckets(classes: dict[str, int]) -> list[tuple[str, float]]:
    """Cumulative counts by upper end [s], as Prometheus wants them."""
    total, found = 0.0, []
    for upper in sorted(classes, key=float):
        total += classes[upper]
        found.append((str(float(upper) / 1e3), total))
    return [*found, ("+Inf", total)]

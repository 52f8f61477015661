"""The application and the thread that serves it."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI

from bihuan import __version__
from bihuan.app.api import (
    accounts,
    assess,
    audit,
    bulletins,
    case_actions,
    case_metrics,
    cases,
    collocations,
    commands,
    demo,
    devices,
    dispatching,
    doors,
    dossier,
    events,
    eventseries,
    explain,
    explanations,
    face,
    forward,
    gaps,
    health,
    imports,
    instructions,
    linecare,
    network,
    orders,
    outlet_verdicts,
    overview,
    photos,
    rawframes,
    receptor,
    sectors,
    sensorthings,
    session,
    shift,
    signs,
    sites,
    standards,
    start,
    tracereports,
    traces,
    transmission,
    warnings,
    watching,
)
from bihuan.app.api.attempts import Attempts
from bihuan.app.api.errors import install_errors
from bihuan.app.api.headers import Guarded
from bihuan.app.api.office import Office
from bihuan.app.api.proxies import Proxied, proxies_of
from bihuan.core import SettingError

log = logging.getLogger("bihuan.api")

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

ROUTERS = (
    session.router,
    watching.router,
    accounts.router,
    audit.router,
    case_metrics.router,  # before cases, whose /cases/{ident} would take its addresses
    cases.router,
    case_actions.router,
    photos.router,
    instructions.router,
    demo.router,
    devices.router,
    forward.router,
    gaps.router,
    collocations.router,
    linecare.router,
    rawframes.router,
    orders.router,
    health.router,
    events.router,
    eventseries.router,
    signs.router,
    traces.router,
    tracereports.router,
    network.router,
    dossier.router,
    explain.router,
    dispatching.router,
    warnings.router,
    shift.router,
    bulletins.router,
    overview.router,
    doors.router,
    sites.bulk,
    sites.router,
    sectors.router,
    receptor.router,
    explanations.router,
    outlet_verdicts.router,
    commands.router,
    imports.router,
    transmission.router,
    assess.router,
    standards.router,
    start.router,
    sensorthings.router,
)
"""Every part of the interface, one file a subject."""


def create_app(office: Office | None = None, hosts: Collection[str] = ()) -> FastAPI:
    """Return the application.

    Parameters
    ----------
    office : Office, optional
        Left out only to describe the interface (OpenAPI).
    hosts : collection of str
        Names under which it may be asked for, besides those of the settings; empty for any.
    """
    app = FastAPI(
        title="Bihuan",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.office = office
    app.state.attempts = Attempts()
    install_errors(app)
    for router in ROUTERS:
        app.include_router(router)

    face.install(app)
    if office is not None:
        app.add_middleware(Guarded, **_guard_of(office, hosts))
        app.add_middleware(Proxied, trusted=proxies_of(office.settings.text("trusted_proxies")))
    return app


def _guard_of(office: Office, hosts: Collection[str]) -> dict[str, Any]:
    settings = office.settings
    tiles = urlsplit(settings.text("map_tiles"))
    named = {name.strip().lower() for name in settings.text("hosts").split(",") if name.strip()}
    return {
        "hosts": named | set(hosts) if named or hosts else (),
        "largest": settings.whole("body_megabytes") * 1_000_000,
        "tiles": f"{tiles.scheme}://{tiles.netloc}" if tiles.netloc else "",
    }


class ApiServer:
    """The interface on a thread of its own.

    Parameters
    ----------
    office : Office
    host : str
    port : int
        0 for a free one.

    Raises
    ------
    SettingError
        If the address cannot be listened on.
    """

    def __init__(self, office: Office, host: str, port: int) -> None:
        self.office, self.host = office, host
        self._socket = _bind(host, port)
        self.port = int(self._socket.getsockname()[1])
        certificate = office.settings.text("tls_certificate")
        self._scheme = "https" if certificate else "http"
        config = uvicorn.Config(
            create_app(office, LOOPBACK if host in LOOPBACK else ()),
            ssl_certfile=certificate or None,
            ssl_keyfile=office.settings.text("tls_key") or None,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # uvicorn would believe whoever comes from loopback; `Proxied` asks the setting
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="bihuan-api", daemon=True)

    @property
    def address(self) -> str:
        """Where people type it in."""
        return f"{self._scheme}://{self.host}:{self.port}"

    def start(self) -> None:
        """Serve until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """End every request and the thread."""
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()

    def _run(self) -> None:
        asyncio.run(self._server.serve([self._socket]))


def _bind(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # with the protocol named asyncio sends small answers at once (TCP_NODELAY): 40 ms less for each
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(512)
    except OSError as problem:
        raise SettingError(
            f"cannot listen for pages on {host}:{port}: {problem.strerror}; choose another port, or stop who listens"
        ) from None
    return listening

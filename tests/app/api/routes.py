"""Every route with its method and right, and the addresses of the things of a city that routes are asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fastapi.routing import APIRoute

from bihuan.app.api import create_app


@dataclass(frozen=True, slots=True)
class Route:
    """One route as it is asked for."""

    method: str
    path: str
    right: str


def every_route() -> list[Route]:
    """Every route, with the right it asks for, empty when it asks for none."""
    found = []
    for route in _flat(create_app().routes):
        if not route.path.startswith(("/api", "/sta", "/healthz", "/readyz", "/metrics")):
            continue
        rights = [getattr(part.call, "right", "") for part in _all(route.dependant)]
        right = next((one for one in rights if one), "")
        found += [Route(method, route.path, right) for method in sorted(route.methods - {"HEAD"})]
    return found


def filled(path: str, values: Mapping[str, str]) -> str:
    """Put the values of a place, `cases/{ident}`, or of a name alone, `{mn}`, into an address."""

    def value(match: re.Match[str]) -> str:
        before = path[: match.start()].rstrip("/").rpartition("/")[2]
        return values.get(f"{before}/{match[0]}") or values[match[0]]

    return re.sub(r"\{[^}]*\}", value, path)


def _flat(routes: object) -> Iterator[APIRoute]:
    for route in routes:  # type: ignore[attr-defined]
        if isinstance(route, APIRoute):
            yield route
        else:
            inner = getattr(route, "original_router", None) or getattr(route, "router", None)
            if inner is not None:
                yield from _flat(inner.routes)


def _all(dependant: object) -> Iterator[object]:
    yield dependant
    for inner in dependant.dependencies:  # type: ignore[attr-defined]
        yield from _all(inner)

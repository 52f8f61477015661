"""Behind a proxy: its `X-Forwarded-*` say who asks and by what scheme, where the peer is a listed proxy, only there."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from bihuan.core import SettingError

Network = IPv4Network | IPv6Network
SCHEMES = frozenset({"http", "https"})


def proxies_of(setting: str) -> tuple[Network, ...]:
    """Read the setting `trusted_proxies`: addresses and networks, by comma.

    Raises
    ------
    SettingError
        If one of them is neither.
    """
    found = []
    for part in (one.strip() for one in setting.split(",")):
        try:
            found += [ip_network(part, strict=False)] if part else []
        except ValueError:
            raise SettingError(
                f"setting trusted_proxies names {part!r}, which is no address: write 10.0.0.5 or 10.0.0.0/24"
            ) from None
    return tuple(found)


class Proxied:
    """Wraps the application, outermost: what it tells of client and scheme is what everything inside sees.

    Parameters
    ----------
    app : ASGI application
    trusted : sequence of networks
        Proxies that are believed; a header of anybody else changes nothing.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[Network] = ()) -> None:
        self._app, self._trusted = app, tuple(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        peer = scope.get("client")
        if scope["type"] == "http" and peer is not None and self._is_trusted(peer[0]):
            headers = Headers(scope=scope)
            scope = {**scope, **self._told(headers)}
        await self._app(scope, receive, send)

    def _told(self, headers: Headers) -> dict[str, object]:
        """What the nearest proxy says: the last scheme, and the last address that is not a proxy of ours."""
        told: dict[str, object] = {}
        scheme = _parts(headers, "x-forwarded-proto")[-1:]
        if scheme and scheme[0].lower() in SCHEMES:
            told["scheme"] = scheme[0].lower()
        for given in reversed(_parts(headers, "x-forwarded-for")):
            address = _address(given)
            if address is None:  # what stands before it may be anybody's word
                break
            told["client"] = (str(address), 0)
            if not self._is_trusted(given):
                break
        return told

    def _is_trusted(self, host: str) -> bool:
        address = _address(host)
        return address is not None and any(address in network for network in self._trusted)


def _parts(headers: Headers, name: str) -> list[str]:
    return [part.strip() for line in headers.getlist(name) for part in line.split(",") if part.strip()]


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address, also with a port behind it; an IPv4 address in IPv6 clothes is the IPv4 address."""
    bare = text.strip('"')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ip_address(bare)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found

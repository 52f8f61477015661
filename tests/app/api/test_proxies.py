"""Who asks, behind a proxy: its word is taken only where it is listed."""

from __future__ import annotations

import pytest

from bihuan.app.api import Office, create_app
from bihuan.app.api.proxies import proxies_of
from bihuan.app.settings import Settings
from bihuan.core import SettingError, from_json
from tests.app.api.handmade import TestClient
from tests.app.api.stand import PASSWORD

FORWARDED = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9, 10.1.0.7", "X-Forwarded-Proto": "https"}


def come_in(office: Office, peer: str, proxies: str, headers: dict[str, str]) -> tuple[str, bool, bool]:
    """Log in, and return the address in the ledger, whether the cookie is Secure, and whether TLS is asked for."""
    before = office.settings
    office.settings = Settings({"trusted_proxies": proxies})
    try:
        client = TestClient(create_app(office), client=(peer, 4711))
        told = client.post("/api/session", json={"login": "verifier", "password": PASSWORD}, headers=headers)
    finally:
        office.settings = before
    assert told.status_code == 200, told.text
    body = from_json(office.store.ledger.entries()[-1].body, dict)
    secure = "secure" in told.headers["set-cookie"].lower()
    return body["address"], secure, "strict-transport-security" in told.headers


def test_a_listed_proxy_is_believed_up_to_the_first_stranger(office: Office) -> None:
    told = come_in(office, "10.1.0.5", "192.0.2.1, 10.1.0.0/24", FORWARDED)
    assert told == ("203.0.113.9", True, True), "what stands before the first stranger is anybody's word"


@pytest.mark.parametrize(("peer", "proxies"), [("10.2.0.5", "10.1.0.0/24"), ("127.0.0.1", ""), ("::1", "10.1.0.5")])
def test_a_forged_header_of_anybody_else_changes_nothing(office: Office, peer: str, proxies: str) -> None:
    assert come_in(office, peer, proxies, FORWARDED) == (peer, False, False)


def test_an_address_that_cannot_be_read_is_not_stepped_over(office: Office) -> None:
    headers = {"X-Forwarded-For": "6.6.6.6, unknown, 10.1.0.7", "X-Forwarded-Proto": "gopher"}
    assert come_in(office, "10.1.0.5", "10.1.0.0/24", headers) == ("10.1.0.7", False, False)


def test_ports_and_the_two_families_are_read(office: Office) -> None:
    seen = come_in(office, "::ffff:10.1.0.5", "10.1.0.5", {"X-Forwarded-For": "203.0.113.9:5555"})
    assert seen[0] == "203.0.113.9"
    seen = come_in(office, "10.1.0.5", "10.1.0.5", {"X-Forwarded-For": "[2001:db8::9]:5555"})
    assert seen[0] == "2001:db8::9"


def test_a_client_behind_a_proxy_of_this_machine_is_not_this_machine(office: Office) -> None:
    office.settings = Settings({"trusted_proxies": "127.0.0.1"})
    try:
        client = TestClient(create_app(office), client=("127.0.0.1", 4711))
        headers = {"Authorization": f"Bearer {office.operator}", "X-Forwarded-For": "127.0.0.1"}
        told = client.post("/api/commands/doctor", json={}, headers=headers)
        assert told.json()["code"] == "not_here"
        assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 401
    finally:
        office.settings = Settings()


def test_a_proxy_that_is_no_address_is_named_at_the_start() -> None:
    with pytest.raises(SettingError, match=r"'proxy\.example'.*10\.0\.0\.0/24"):
        proxies_of("10.0.0.1, proxy.example")

"""Someone at a screen: a client that is logged in."""

from __future__ import annotations

from fastapi.testclient import TestClient

from bihuan.app.api import Office, create_app
from tests.app.api.stand import PASSWORD


def at_screen(office: Office, login: str, language: str = "en") -> TestClient:
    """Log in as a role and carry the CSRF token and the language from then on."""
    client = TestClient(create_app(office), headers={"Accept-Language": language})
    answer = client.post("/api/session", json={"login": login, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    client.headers["X-CSRF-Token"] = answer.json()["csrf"]
    return client

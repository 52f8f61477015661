"""Random requests against our own description of the interface: whatever comes, no answer is a fault of the server."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from schemathesis.openapi import from_asgi

from bihuan.app.api import Office, create_app
from bihuan.app.api.attempts import Attempts
from tests.app.api.handmade import TestClient
from tests.app.api.stand import PASSWORD

EXAMPLES = 4
ROLES = ("duty_officer", "duty_leader", "grid_officer", "data_engineer", "security_admin", "audit_admin")
ENDLESS = {"/api/live"}
"""A stream without end cannot be waited for."""

LOGS_OUT = {"/api/session", "/api/session/password", "/api/sessions"}
"""Routes after which the tester may have to log in anew."""


def _login(client: TestClient, role: str) -> None:
    """Log in, whatever random passwords and log-ins have locked before."""
    office: Office = client.app.state.office  # type: ignore[attr-defined]
    client.app.state.attempts = Attempts()  # type: ignore[attr-defined]
    office.accounts.unlock(office.accounts.need(role))
    told = client.post("/api/session", json={"login": role, "password": PASSWORD})
    assert told.status_code == 200, told.text
    client.headers["X-CSRF-Token"] = told.json()["csrf"]


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client(role: str, office: Office) -> TestClient:
    found = TestClient(create_app(office), raise_server_exceptions=False)
    _login(found, role)
    return found


def _hold(client: TestClient, role: str, examples: int) -> None:
    schema = from_asgi("/api/openapi.json", client.app)
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path in ENDLESS:
            continue
        tried += 1
        if operation.path in LOGS_OUT:
            _login(client, role)

        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: object) -> None:
            answer = client.request(
                case.method,  # type: ignore[attr-defined]
                case.formatted_path,  # type: ignore[attr-defined]
                params=case.query or None,  # type: ignore[attr-defined]
                json=case.body if isinstance(case.body, (dict, list)) else None,  # type: ignore[attr-defined]
            )
            assert answer.status_code < 500 or answer.status_code == 503, (case, answer.status_code, answer.text[:300])

        operation.as_strategy().is_empty  # noqa: B018  # fails at once where the description cannot be drawn from
        from hypothesis import given

        given(case=operation.as_strategy())(ask)()
        if operation.path in LOGS_OUT:
            _login(client, role)
    assert tried > 50


def test_no_request_is_answered_by_a_fault_of_the_server(client: TestClient, role: str) -> None:
    _hold(client, role, EXAMPLES)


@pytest.mark.long
def test_no_request_is_answered_by_a_fault_of_the_server_at_length(client: TestClient, role: str) -> None:
    _hold(client, role, 100)


def test_the_description_names_every_answer_of_a_refusal(office: Office) -> None:
    described = create_app(office).openapi()
    for path, methods in described["paths"].items():
        if path.startswith("/api/") and path != "/api/live":
            for method, told in methods.items():
                assert {"401", "403", "422"} <= set(told["responses"]), (method, path)

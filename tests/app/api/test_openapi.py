"""Random requests against our own description of the interface: whatever comes, no answer is a fault of the server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from schemathesis.openapi import from_asgi

from bihuan.app.api import Office, create_app
from tests.app.api.handmade import TestClient
from tests.app.api.stand import PASSWORD

EXAMPLES = 4
ROLES = ("duty_officer", "duty_leader", "grid_officer", "data_engineer", "security_admin", "audit_admin")
LEFT_OUT = {"/api/live", "/api/session", "/api/session/password", "/api/sessions", "/api/accounts/{login}/password"}
"""A stream without end, and what would log the tester out."""


@pytest.fixture(params=ROLES)
def client(request: pytest.FixtureRequest, office: Office) -> Iterator[TestClient]:
    found = TestClient(create_app(office), raise_server_exceptions=False)
    told = found.post("/api/session", json={"login": request.param, "password": PASSWORD})
    assert told.status_code == 200, told.text
    found.headers["X-CSRF-Token"] = told.json()["csrf"]
    return found


def _hold(client: TestClient, examples: int) -> None:
    schema = from_asgi("/api/openapi.json", client.app)
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path in LEFT_OUT or operation.method == "delete":
            continue
        tried += 1

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
    assert tried > 50


def test_no_request_is_answered_by_a_fault_of_the_server(client: TestClient) -> None:
    _hold(client, EXAMPLES)


@pytest.mark.long
def test_no_request_is_answered_by_a_fault_of_the_server_at_length(client: TestClient) -> None:
    _hold(client, 100)


def test_the_description_names_every_answer_of_a_refusal(office: Office) -> None:
    described = create_app(office).openapi()
    for path, methods in described["paths"].items():
        if path.startswith("/api/") and path != "/api/live":
            for method, told in methods.items():
                assert {"401", "403", "422"} <= set(told["responses"]), (method, path)

"""Fixtures that every room's tests may use."""

import ipaddress
import os
import socket
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("house", deadline=None)  # a busy machine is no fault of the code
hypothesis.settings.load_profile("house")

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("BIHUAN_SHARED", ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the project; tests that use it are marked `reference`."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"the real data of reference tests is not here ({SHARED.name}/data beside the project)")
    return SHARED


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """Where the real data is present a skipped reference test is a failure."""
    report = yield
    if report.skipped and item.get_closest_marker("reference") and (SHARED / "data").is_dir():
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: a reference test was skipped although its data is here"
    return report


@pytest.fixture(autouse=True)
def no_outside_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches an address that is not of this machine: the code calls nobody unasked."""
    real_connect = socket.socket.connect
    real_lookup = socket.getaddrinfo

    def connect(self: socket.socket, address: object) -> None:
        if self.family != socket.AF_UNIX:
            assert isinstance(address, tuple)
            if not ipaddress.ip_address(address[0]).is_loopback:
                raise AssertionError(f"something called the outside host {address[0]}")
        real_connect(self, address)  # type: ignore[arg-type]

    def lookup(host: object, *rest: object, **options: object) -> object:
        if host not in {None, "localhost", "127.0.0.1", "::1", b"127.0.0.1"}:
            raise AssertionError(f"something looked up the outside host {host!r}")
        return real_lookup(host, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", lookup)

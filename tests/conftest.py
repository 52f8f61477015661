"""Fixtures that every room's tests may use."""

import os
from pathlib import Path

import pytest

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

"""A browser, and a server of a small city that has lived and has work on every desk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from bihuan.app.api import ApiServer
from bihuan.store import backup
from tests.app.api.busy import busy
from tests.app.api.stand import standing
from tests.app.lived import live

DIST = Path(__file__).parents[2] / "src" / "bihuan" / "app" / "api" / "dist"
NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium; it ends with its file, for its loop must not run under tests of the loop."""
    found = os.environ.get("BIHUAN_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium on this machine: install the package chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=list(QUIET))
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A server whose clock stands; its home is made for this session and thrown away."""
    if not (DIST / "index.html").exists():
        pytest.skip("the pages are not built: run make web")
    home = tmp_path_factory.mktemp("face") / "home"
    with live(tmp_path_factory.mktemp("city")) as lived:
        backup(lived.run.store, home, lived.outcomes[-1].now)
    with standing(home) as office:
        busy(office)
        serving = ApiServer(office, "127.0.0.1", 0)
        serving.start()
        yield serving
        serving.stop()

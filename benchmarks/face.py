"""The face: bytes and time of the first page, 5,000 markers under the pointer, the bulk route beside a bare Starlette
that gives the same bytes in the same run, and what 200 open pages cost.

A small synthetic city lives for six hours first; ``BIHUAN_STAND`` names the home of one that has lived already (it is
copied). Browser rows need Debian's Chromium and Playwright, requests a second need ``wrk``; what is missing is said.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
VIEWERS = 200
WATCHED = 30.0
"""How long the open pages are watched. [s]"""

EVERY = 10.0
"""Seconds between two changes that every page reads anew; the loop of a real city steps every 300."""

MARKERS = 5000

BARE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
body = open(sys.argv[1], "rb").read()
async def give(request):
    return Response(body, media_type="application/json", headers={"Content-Encoding": "gzip"})
app = Starlette(routes=[Route("/api/sites", give)])
uvicorn.run(app, port=int(sys.argv[2]), log_level="error", access_log=False)
"""


def serve(home: Path, port: int) -> None:
    """Serve a home that has lived and tell every page of a change every `EVERY` seconds (a process of its own)."""
    from tests.app.api.stand import standing  # noqa: PLC0415

    from bihuan.app.api import ApiServer  # noqa: PLC0415

    with standing(home) as office:
        server = ApiServer(office, "127.0.0.1", port)
        server.start()
        print("up", flush=True)
        wait = threading.Event()
        while not wait.wait(EVERY):
            office.live.tell("overview")


def _lived(folder: Path) -> Path:
    home, given = folder / "home", os.environ.get("BIHUAN_STAND")
    if given:
        shutil.copytree(given, home)
        return home
    from tests.app.api.stand import live  # noqa: PLC0415

    live(home, hours=6)
    return home


@contextmanager
def _process(*words: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server of its own, until it answers and until the end."""
    started = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/about", timeout=1).read()
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.2)
        yield started
    finally:
        started.terminate()
        started.wait(20)


def _log_in(port: int) -> str:
    from tests.app.api.stand import PASSWORD  # noqa: PLC0415

    body = json.dumps({"login": "duty_officer", "password": PASSWORD}).encode()
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/api/session", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked) as answer:
        return str(answer.headers["set-cookie"]).split(";")[0]


# -- requests a second ------------------------------------------------------------------------------------------------


def _wrk(url: str, cookie: str) -> float:
    command = ["wrk", "-t1", "-c32", "-d5s", "-H", f"Cookie: {cookie}", "-H", "Accept-Encoding: gzip", url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    return float(found[1]) if found else math.nan


def bulk(port: int, cookie: str, folder: Path) -> None:
    """Print requests a second of the bulk route, in turns with the bare baseline, the better of three each."""
    if shutil.which("wrk") is None:
        print("bulk route: wrk is not installed")
        return
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/sites", headers={"Cookie": cookie, "Accept-Encoding": "gzip"}
    )
    with urllib.request.urlopen(asked) as answer:
        body = answer.read()
    (folder / "bytes").write_bytes(body)
    (folder / "bare.py").write_text(BARE, "utf-8")
    ours, bare = [], []
    with _process(str(folder / "bare.py"), str(folder / "bytes"), str(port + 1), port=port + 1):
        for _ in range(3):
            bare.append(_wrk(f"http://127.0.0.1:{port + 1}/api/sites", cookie))
            ours.append(_wrk(f"http://127.0.0.1:{port}/api/sites", cookie))
    print(f"bulk route, {len(body):,} bytes packed: {max(ours):,.0f} requests/s", end="")
    print(f"   bare Starlette {max(bare):,.0f}   ratio {max(ours) / max(bare):.2f}")


# -- viewers ----------------------------------------------------------------------------------------------------------


def _cost(pid: int) -> tuple[float, float]:
    """CPU seconds so far and resident memory [MB] of a process."""
    parts = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    seconds = (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")
    return seconds, int(parts[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def _viewer(port: int, cookie: str, until: float, seen: list[int]) -> None:
    """One open page: it listens, and reads overview and sites anew after each change (304 while nothing changed)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /api/live HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n".encode())
    tags = {"/api/overview": "", "/api/sites": ""}
    while (left := until - time.monotonic()) > 0:
        try:
            line = await asyncio.wait_for(reader.readline(), left)
        except TimeoutError:
            break
        if line.startswith(b"event: overview"):
            for path, tag in tags.items():
                tags[path] = await _read(port, cookie, path, tag)
            seen[0] += 1
    writer.close()


async def _read(port: int, cookie: str, path: str, tag: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\nAccept-Encoding: gzip\r\nIf-None-Match: {tag}\r\n"
    writer.write(f"{head}Connection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    found = re.search(rb'etag: ("[^"]*")', answer, re.IGNORECASE)
    return found[1].decode() if found else tag


def viewers(port: int, cookie: str, pid: int) -> None:
    """Print what open pages cost the server."""

    async def all_of_them() -> int:
        until, seen = time.monotonic() + WATCHED, [0]
        await asyncio.gather(*(_viewer(port, cookie, until, seen) for _ in range(VIEWERS)))
        return seen[0]

    before, memory = _cost(pid)
    seen = asyncio.run(all_of_them())
    after, now = _cost(pid)
    share = (after - before) / WATCHED
    print(
        f"{VIEWERS} pages open for {WATCHED:.0f} s, all told of a change every {EVERY:.0f} s ({seen} times read anew): "
        f"{share:.1%} of a core, {now - memory:+.0f} MB (server {now:.0f} MB)"
    )


# -- browser ----------------------------------------------------------------------------------------------------------


def first_page(browser: Any, port: int, cookie: str) -> None:
    """Print bytes over the wire and time until the numbers of the overview stand, cache empty; best of three.

    The script of the map's worker is fetched by the worker itself and not among the bytes: add its packed size.
    """
    runs = [_first(browser, port, cookie) for _ in range(3)]
    numbers, numbers_bytes, whole_bytes = min(runs)
    print(f"first page: numbers after {numbers:.2f} s ({numbers_bytes / 1e3:.0f} kB), ", end="")
    print(f"with the map {whole_bytes / 1e3:.0f} kB in all   (limits: 2 s, 800 kB)")


def _first(browser: Any, port: int, cookie: str) -> tuple[float, float, float]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    name, _, value = cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": f"http://127.0.0.1:{port}"}])
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    sizes: list[float] = []
    wire.on("Network.loadingFinished", lambda told: sizes.append(told["encodedDataLength"]))
    start = time.monotonic()
    page.goto(f"http://127.0.0.1:{port}/overview", wait_until="commit")
    page.wait_for_selector("[data-test=aqi]")
    numbers, till_then = time.monotonic() - start, sum(sizes)
    page.wait_for_selector("canvas.maplibregl-canvas")
    page.wait_for_timeout(2500)
    context.close()
    return numbers, till_then, sum(sizes)


FRAMES = """() => { window.frames_seen = []; let last = performance.now();
 const step = (now) => { window.frames_seen.push(now - last); last = now; requestAnimationFrame(step) };
 requestAnimationFrame(step) }"""


def markers(browser: Any, port: int, cookie: str) -> None:
    """Print frame times while 5,000 markers are dragged about, and the same for the map without any marker."""
    bare, ours = _dragged(browser, port, cookie, 0), _dragged(browser, port, cookie, MARKERS)
    for words, frames in (("bare map", bare), (f"{MARKERS:,} markers", ours)):
        print(
            f"{words} dragged (software rendering): frame median {statistics.median(frames):.0f} ms, "
            f"95 % {frames[int(len(frames) * 0.95)]:.0f} ms, longest {frames[-1]:.0f} ms"
        )
    print(f"markers / bare: {statistics.median(ours) / statistics.median(bare):.2f}")


def _dragged(browser: Any, port: int, cookie: str, count: int) -> list[float]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    name, _, value = cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": f"http://127.0.0.1:{port}"}])
    page = context.new_page()
    page.route("**/api/sites", lambda route: route.fulfill(json=_many(count)))
    page.goto(f"http://127.0.0.1:{port}/map")
    page.wait_for_selector("canvas.maplibregl-canvas")
    page.wait_for_timeout(4000)
    page.evaluate(FRAMES)
    page.mouse.move(700, 450)
    page.mouse.down()
    for step in range(120):
        page.mouse.move(700 + 220 * math.sin(step / 12), 450 + 120 * math.cos(step / 9))
    frames: list[float] = page.evaluate("() => window.frames_seen")
    page.mouse.up()
    context.close()
    return sorted(frames)


def _many(count: int) -> dict[str, Any]:
    labels = ("good", "moderate", "light", "medium", "heavy", "severe")
    return {
        "as_of": None,
        "sites": [
            {
                "ref": f"station:B{at}",
                "type": "station",
                "kind": "national",
                "name": f"B{at}",
                "district": "",
                "lon": 101.85 + 0.3 * (at % 71) / 71,
                "lat": 39.68 + 0.26 * (at // 71) / 71,
                "at": None,
                "aqi": at % 300,
                "label": labels[at % 300 // 50],
                "primary": "",
                "values": {},
                "online": True,
                "alarm": "",
                "event": "",
            }
            for at in range(count)
        ],
    }


def browse(port: int, cookie: str) -> None:
    """Run what needs a browser."""
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415
    except ImportError:
        print("first page and markers: playwright is not installed")
        return
    if not Path(CHROMIUM).exists():
        print(f"first page and markers: {CHROMIUM} is not installed")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        first_page(browser, port, cookie)
        markers(browser, port, cookie)
        browser.close()


def main() -> None:
    """Print the table."""
    port = int(os.environ.get("BIHUAN_BENCH_PORT", "8962"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = _lived(folder)
        with _process("-m", "benchmarks.face", "serve", str(home), str(port), port=port) as server:
            cookie = _log_in(port)
            bulk(port, cookie, folder)
            viewers(port, cookie, server.pid)
            browse(port, cookie)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()

"""The pictures of the READMEs and the tutorial, made anew from the synthetic city: ``python -m tests.face.pictures``.

The demo's city lives until eight o'clock of its second day, one person after the other works through one case, and
each page on the way is photographed into ``docs/pictures``. ``--home`` keeps the lived city for the next time.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from bihuan.app.api import ApiServer, Office
from bihuan.app.city import City
from bihuan.app.demo import DECIDES_FIRST
from bihuan.app.rig import CityRun
from bihuan.cases import Case, case_settings
from bihuan.core import Language, Suspect, Suspects, from_json, local_date, text
from bihuan.register import Person
from bihuan.store import backup
from tests.app.api.busy import picture
from tests.app.api.stand import PASSWORD, standing
from tests.face.conftest import NAMES, QUIET

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
LARGEST = 250_000
"""No picture is larger. [bytes]"""

MORNING, NEXT = 8, 32
"""Hours lived: the first morning, where an alarm waits as in the demo, and the next, which has a day behind it."""

WIDE: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}


def lived(kept: Path, seed: int = 1) -> None:
    """Let the demo's city live, where the duty officer decides first, and keep it as it is on both mornings."""
    with tempfile.TemporaryDirectory() as name:
        run = CityRun(City(seed, NEXT + 16), Path(name), case_settings=case_settings(DECIDES_FIRST))
        with run:
            for hours in (MORNING, NEXT):
                now = run.city.start
                for outcome in run.ticks(run.city.start + timedelta(hours=hours)):
                    now = outcome.now
                if not (kept / str(hours) / "store.toml").exists():
                    backup(run.store, kept / str(hours), now)


def keep(name: str, shot: bytes) -> None:
    """Write a picture without loss: the colours of the AQI are law, and a palette bends them."""
    found = Image.open(io.BytesIO(shot)).convert("RGB")
    packed = io.BytesIO()
    found.save(packed, "WEBP", lossless=True, quality=100, method=6)
    if packed.tell() > LARGEST:
        raise SystemExit(f"{name}: {packed.tell():,} bytes are more than {LARGEST:,}: show less on one picture")
    (PICTURES / f"{name}.webp").write_bytes(packed.getvalue())
    print(f"{name}.webp {found.width}x{found.height} {packed.tell():,} bytes", flush=True)


class Photographer:
    """Goes through the city's morning with one browser.

    Parameters
    ----------
    browser : Browser
    server : ApiServer
    """

    def __init__(self, browser: Browser, server: ApiServer) -> None:
        self.browser, self.server, self.office = browser, server, server.office

    @contextmanager
    def screen(self, login: str, language: str = "zh", theme: str = "light", **options: Any) -> Iterator[Page]:
        """A screen of one's own, logged in."""
        context = self.browser.new_context(base_url=self.server.address, **(options or WIDE))
        context.add_init_script(
            f"localStorage.setItem('bihuan.language','{language}');localStorage.setItem('bihuan.theme','{theme}')"
        )
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.goto("/login")
        page.fill("input[name=login]", login)
        page.fill("input[name=password]", PASSWORD)
        page.click("button.primary")
        page.wait_for_url(lambda url: "/login" not in url)
        yield page
        context.close()

    def shoot(self, page: Page, name: str, path: str, ready: str, wait: float = 6) -> None:
        """Open a page, wait until it stands, and keep what is seen."""
        page.goto(path)
        page.locator(ready).first.wait_for()
        page.wait_for_timeout(wait * 1000)
        keep(name, page.screenshot())

    def overview(self) -> None:
        """At eight."""
        for language, theme, name in (("zh", "light", "overview.zh"), ("en", "dark", "overview.en.dark")):
            with self.screen("duty_officer", language, theme) as page:
                self.shoot(page, name, "/overview", "canvas.maplibregl-canvas")

    def logger(self) -> None:
        """The data engineer's page of one logger: what it sent and what is wrong with it."""
        for language in ("zh", "en"):
            with self.screen("data_engineer", language) as page:
                page.goto("/devices")
                page.locator(".table a, table a").first.click()
                page.locator("main h2").first.wait_for()
                page.wait_for_timeout(2000)
                keep(f"logger.{language}", page.screenshot())

    def trace(self, event: str) -> None:
        """The alarm, who likely did it; then somebody is sent."""
        with self.screen("duty_officer", "en") as page:
            self.shoot(page, "alarm.en", f"/alarms/{event}", "canvas.maplibregl-canvas")
        with self.screen("duty_officer") as page:
            self.shoot(page, "alarm.zh", f"/alarms/{event}", "canvas.maplibregl-canvas")
            page.get_by_role("button", name=text("alarm.dispatch"), exact=True).first.click()
            dialog = page.get_by_role("dialog")
            dialog.get_by_role("button", name=text("alarm.dispatch_send"), exact=True).wait_for()
            page.wait_for_timeout(800)
            keep("dispatch.zh", page.screenshot())
            dialog.get_by_role("button", name=text("alarm.dispatch_send"), exact=True).click()
            dialog.wait_for(state="detached")

    def phone(self, case: Case) -> None:
        """The officer at the gate."""
        place = case.place
        assert place is not None
        goer = case.officer or self.someone("handler", unit=case.lead)
        self.office.accounts.stand_in("goer", goer, PASSWORD, self.office.now)
        here: dict[str, Any] = {
            "geolocation": {"longitude": place.lon, "latitude": place.lat},
            "permissions": ["geolocation"],
        }
        with self.screen("goer", "en", **PHONE, **here) as page:
            page.goto(f"/officer/{case.id}")
            page.get_by_role("button", name=text("officer.sign", "en")).click()
            page.get_by_role("button", name=text("officer.arrive", "en")).click()
            self.checklist(page, "en")
        with self.screen("goer", **PHONE, **here) as page:
            self.shoot(page, "phone-list.zh", "/officer", "main", 3)
            page.goto(f"/officer/{case.id}")
            self.checklist(page, "zh")
            page.fill("textarea", text("demo.note_mended"))
            page.locator("main button.primary", has_text=re.compile(".")).last.click()
            page.wait_for_url("**/officer")
            page.locator(".queue").wait_for(state="detached")

    def checklist(self, page: Page, language: Language) -> None:
        """Fill in what the gate asks for, and photograph it."""
        page.locator(".check label").first.wait_for()
        page.set_input_files(
            "input[type=file]", {"name": "gate.jpg", "mimeType": "image/jpeg", "buffer": picture("gate")}
        )
        page.locator(".results label", has_text=text("result.fixed_on_site", language)).click()
        for row in page.locator(".check").all():
            row.locator("label").first.click()
        page.wait_for_timeout(6000)  # until what was sent is no longer told
        page.locator(".checks legend").evaluate("one => scrollTo(0, scrollY + one.getBoundingClientRect().top - 62)")
        page.evaluate("document.activeElement.blur()")
        page.wait_for_timeout(500)
        keep(f"phone-case.{language}", page.screenshot())

    def check(self, case: Case) -> None:
        """Somebody else looks; the page of the case and the board."""
        self.office.accounts.stand_in("checker", self.someone("verifier", case.district), PASSWORD, self.office.now)
        with self.screen("checker") as page:
            page.goto(f"/cases/{case.id}")
            page.get_by_role("button", name=text("step.check"), exact=True).first.click()
            page.wait_for_timeout(800)
            if page.get_by_role("dialog").count():
                page.get_by_role("dialog").locator("button.primary").last.click()
            page.get_by_role("button", name=text("step.pass"), exact=True).first.wait_for()

    def ranking(self) -> None:
        """An alarm with a likely source that does not stand beside the station."""
        rows = self.office.store.records.find("suspects")
        found = [from_json(row.body, Suspects) for row in rows]
        far = [one for one in found if one.ranked and _afar(one.ranked[0])]
        with self.screen("duty_officer") as page:
            self.shoot(page, "trace.zh", f"/alarms/{far[-1].event.id}", "canvas.maplibregl-canvas")

    def effect(self) -> None:
        """A case whose effect was measured, and the chain behind it."""
        cases = self.office.desk.cases
        done = next(one for one in reversed(cases) if one.effective and one.effective.value == "effective")
        languages: tuple[Language, ...] = ("zh", "en")
        for language in languages:
            with self.screen("duty_officer", language) as page:
                self.shoot(page, f"case.{language}", f"/cases/{done.id}", "canvas.maplibregl-canvas", 3)
                page.get_by_role("button", name=text("explain.open", language)).click()
                page.locator(".explain .asked").wait_for()
                page.locator(".explain").evaluate("one => scrollTo(0, scrollY + one.getBoundingClientRect().top - 64)")
                page.wait_for_timeout(800)
                keep(f"explain.{language}", page.screenshot())

    def bulletin(self) -> None:
        """Of the day before, drafted, checked and signed by three."""
        day = str(local_date(self.office.now) - timedelta(days=1))
        with self.screen("duty_officer") as page:
            made = page.evaluate(
                "async (day) => { const me = await (await fetch('/api/session')).json();"
                " const told = await fetch('/api/bulletins', { method: 'POST', headers: {"
                " 'Content-Type': 'application/json', 'X-CSRF-Token': me.csrf }, body: JSON.stringify({ day }) });"
                " return await told.json() }",
                day,
            )
        ident = made.get("id") or made["line"]["id"]
        for login, act in (("duty_leader", "do_check"), ("signatory", "do_sign")):
            with self.screen(login) as page:
                page.goto(f"/bulletins/{ident}")
                page.get_by_role("button", name=text(f"bulletin.{act}"), exact=True).first.click()
                page.wait_for_timeout(800)
                if page.get_by_role("dialog").count():
                    page.get_by_role("dialog").locator("button.primary").last.click()
                page.wait_for_timeout(2500)
        for language in ("zh", "en"):
            with self.screen("duty_leader", language) as page:
                self.shoot(page, f"bulletin.{language}", f"/bulletins/{ident}", "iframe", 5)

    def someone(self, role: str, district: str = "", unit: str = "") -> str:
        """Somebody of a role, of a district or a unit."""
        people = self.office.register.all(Person, local_date(self.office.now))
        wanted = (one for one in people if role in one.roles)
        return next(one.id for one in wanted if district in ("", one.district) and unit in ("", one.unit))


def waiting(office: Office) -> tuple[str, Case]:
    """The alarm whose case waits for the duty officer, and that case."""
    found = [case for case in office.desk.open_cases if case.state == "registered" and case.suspect]
    if not found:
        raise SystemExit("no case waits at that hour: take another seed or other hours")
    case = found[-1]
    return next(ref.id for ref in case.sources if ref.kind == "event"), case


def _afar(suspect: Suspect) -> bool:
    """Likely, and not right beside the station."""
    return suspect.probability > 0.5 and (suspect.distance or 0) > 900


@contextmanager
def photographer(home: Path) -> Iterator[Photographer]:
    """A server of a home that has lived, and a browser before it."""
    path = os.environ.get("BIHUAN_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)))
    with standing(home) as office, sync_playwright() as playwright:
        server = ApiServer(office, "127.0.0.1", 0)
        server.start()
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield Photographer(browser, server)
        browser.close()
        server.stop()


def first_morning(one: Photographer) -> None:
    """From the alarm to the check."""
    event, case = waiting(one.office)
    one.trace(event)
    one.phone(one.office.desk.get(case.id))
    one.check(one.office.desk.get(case.id))


def next_morning(one: Photographer) -> None:
    """What the day before has left: the overview, an effect, the bulletin."""
    one.overview()
    one.ranking()
    one.effect()
    one.logger()
    one.bulletin()


def main() -> None:
    """Live, or take the homes that were kept, and photograph copies of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, help="where the lived city is kept; made when it is not there")
    parser.add_argument("--only", type=int, choices=(MORNING, NEXT), help="pictures of one of the two mornings")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        kept = asked.home or Path(name) / "kept"
        if not all((kept / str(hours) / "store.toml").exists() for hours in (MORNING, NEXT)):
            lived(kept)
        for hours, walk in ((MORNING, first_morning), (NEXT, next_morning)):
            if asked.only in (None, hours):
                shutil.copytree(kept / str(hours), Path(name) / str(hours))
                with photographer(Path(name) / str(hours)) as one:
                    walk(one)


if __name__ == "__main__":
    main()

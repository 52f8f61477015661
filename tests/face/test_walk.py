"""The whole loop in a browser: an alarm at eight, trace, dispatch, the gate without network, check, bulletin.

Both languages; on every page on the way axe finds nothing serious, and no request leaves for another host.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bihuan.app.api import ApiServer, Office
from bihuan.app.city import City
from bihuan.app.clock import CityClock
from bihuan.app.demo import DECIDES_FIRST, enrol
from bihuan.app.rig import CityRun
from bihuan.cases import case_settings
from bihuan.core import Language, local_date, text
from bihuan.register import Person
from bihuan.store import backup
from tests.app.api.busy import picture
from tests.app.api.stand import PASSWORD, standing
from tests.face.test_officer_offline import ready_for_offline

pytestmark = pytest.mark.face

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the demo's city at eight o'clock: one alarm waits for the duty officer."""
    home, kept = tmp_path_factory.mktemp("morning"), tmp_path_factory.mktemp("kept") / "home"
    with CityRun(City(1, 48), home, case_settings=case_settings(DECIDES_FIRST)) as run:
        for outcome in run.ticks(run.city.start + timedelta(hours=8)):
            now = outcome.now
        backup(run.store, kept, now)
    return kept


@pytest.fixture(params=["zh", "en"])
def language(request: pytest.FixtureRequest) -> Language:
    found: Language = request.param
    return found


@pytest.fixture
def serving(morning: Path, tmp_path: Path) -> Iterator[ApiServer]:
    home = tmp_path / "home"
    shutil.copytree(morning, home)
    with standing(home) as office:
        server = ApiServer(office, "127.0.0.1", 0)
        server.start()
        yield server
        server.stop()


def come_in(browser: Browser, server: ApiServer, language: Language, login: str, **options: object) -> Page:
    """Log in on a screen of one's own; whatever it asks of another host fails the test."""
    context: BrowserContext = browser.new_context(
        base_url=server.address, **{"viewport": {"width": 1440, "height": 900}, **options}
    )  # type: ignore[arg-type]
    context.add_init_script(f"localStorage.setItem('bihuan.language', '{language}')")
    context.set_default_timeout(30_000)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.goto("/login")
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", PASSWORD)
    page.click("button.primary")
    page.wait_for_url(lambda url: "/login" not in url)
    hosts = {urlsplit(url).hostname for url in asked if url.startswith("http")}
    assert hosts == {"127.0.0.1"}
    return page


LEVELS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


def nothing_serious(page: Page, *rules: str) -> None:
    """Ask axe, by all rules of WCAG 2.2 AA or by those named; what is serious or critical fails, with its place."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run make web")
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate(
        "async (only) => (await axe.run({ exclude: ['iframe', '.maplibregl-map'] },"
        " { runOnly: only, iframes: false })).violations",
        list(rules or LEVELS),
    )
    bad = [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found if one["impact"] in {"serious", "critical"}]
    assert not bad, f"{page.url}\n" + "\n".join(bad)


def waiting(office: Office) -> tuple[str, str]:
    """The alarm whose case waits for the duty officer, and that case."""
    case = next(case for case in office.desk.open_cases if case.state == "registered" and case.kind == "issue")
    return next(ref.id for ref in case.sources if ref.kind == "event"), case.id


def look_behind_the_odds(page: Page, say: Callable[..., str]) -> None:
    """What findings did to the odds, where to search, and the report that goes with it."""
    # a few rankings and a map come after the page, as fast as the machine is
    expect(page.get_by_role("heading", name=say("dossier.page_prior"))).to_be_visible(timeout=30_000)
    button = page.get_by_role("button", name=say("dossier.page_search"))
    pressed = button.get_attribute("aria-pressed")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false" if pressed == "true" else "true")
    address = page.get_by_role("link", name=say("dossier.page_report"), exact=True).get_attribute("href")
    answer = page.request.get(str(address))
    assert answer.status == 200
    assert say("dossier.banner") in answer.text()


def test_from_the_alarm_at_eight_to_the_signed_bulletin(
    browser: Browser, serving: ApiServer, language: Language
) -> None:
    office = serving.office
    enrol(office, PASSWORD)  # as the demo does at eight
    event, ident = waiting(office)

    def say(key: str, **values: object) -> str:
        return text(key, language, **values)

    # 08:00, the duty officer: what is wrong, who likely did it, whom to send
    page = come_in(browser, serving, language, "duty_officer")
    page.goto("/overview")
    expect(page.get_by_role("heading", name=say("overview.title"))).to_be_visible()
    page.locator(f"a[href='/alarms/{event}']").first.wait_for()
    nothing_serious(page)
    page.locator(f"a[href='/alarms/{event}']").first.click()
    expect(page.locator("main")).to_contain_text(say("demo.none_of_listed"))
    # whether or not "none of the listed" leads: a source that is named can be visited
    page.locator(".answers li:not(.nobody) .head").first.click()
    page.get_by_role("button", name=say("alarm.dispatch"), exact=True).first.wait_for()
    look_behind_the_odds(page, say)
    nothing_serious(page)
    page.get_by_role("button", name=say("alarm.dispatch"), exact=True).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=say("alarm.dispatch_send"), exact=True).click()
    dialog.wait_for(state="detached")
    case = office.desk.get(ident)
    assert case.state == "dispatched" and case.lead
    assert office.accounts.need("grid_officer").person == case.officer, "the demo's login is the officer who is sent"
    page.context.close()

    # at the gate, a phone without network
    goer = case.officer or next(
        one.id
        for one in office.register.all(Person, local_date(office.now))
        if one.unit == case.lead and {"handler", "grid_officer"} & set(one.roles)
    )
    office.accounts.stand_in("goer", goer, PASSWORD, office.now)
    place = case.place
    assert place is not None
    here = {"longitude": place.lon, "latitude": place.lat}
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "permissions": ["geolocation"]}
    page = come_in(browser, serving, language, "goer", geolocation=here, **phone)
    ready_for_offline(page, ident)
    nothing_serious(page)
    page.context.set_offline(True)
    page.goto(f"/officer/{ident}")
    page.get_by_role("button", name=say("step.sign"), exact=False).first.click()
    page.locator("main button.primary, main button.big").first.click()
    page.locator(".check label").first.wait_for()
    page.set_input_files("input[type=file]", {"name": "gate.jpg", "mimeType": "image/jpeg", "buffer": picture("gate")})
    page.locator(".results label", has_text=say("result.fixed_on_site")).click()
    page.fill("textarea", "covered and watered")
    page.locator("main button.primary", has_text=re.compile(".")).last.click()
    page.wait_for_url("**/officer")
    page.context.set_offline(False)
    page.locator(".queue").wait_for(state="detached")
    assert office.desk.get(ident).state == "reported"
    page.context.close()

    # another role checks
    verifier = next(
        one
        for one in office.register.all(Person, local_date(office.now))
        if "verifier" in one.roles and one.district == case.district
    )
    office.accounts.stand_in("checker", verifier.id, PASSWORD, office.now)
    page = come_in(browser, serving, language, "checker")
    page.goto(f"/cases/{ident}")
    page.get_by_role("button", name=say("step.check"), exact=True).first.click()
    _answer(page, say("step.check"))
    page.get_by_role("button", name=say("step.pass"), exact=True).first.click()
    dialog = page.get_by_role("dialog")
    dialog.locator("input[type=file]").set_input_files(
        {"name": "after.jpg", "mimeType": "image/jpeg", "buffer": picture("after", colour="#7f9a88")}
    )
    dialog.locator("textarea").first.fill("seen on the spot")
    page.wait_for_timeout(800)
    dialog.locator("button.primary").last.click()
    dialog.wait_for(state="detached")
    nothing_serious(page)
    assert office.desk.get(ident).fixed is not None
    assert office.desk.get(ident).fixed.by == verifier.id  # type: ignore[union-attr]
    page.context.close()

    # next morning: the bulletin of the day is drafted, checked and signed by three people, then read
    assert isinstance(office.clock, CityClock)
    day = str(local_date(office.now))
    office.clock.advance_to(office.now + timedelta(days=1))
    page = come_in(browser, serving, language, "duty_officer")
    made = page.evaluate(
        "async (day) => { const me = await (await fetch('/api/session')).json();"
        " const told = await fetch('/api/bulletins', { method: 'POST', headers: {"
        " 'Content-Type': 'application/json', 'X-CSRF-Token': me.csrf }, body: JSON.stringify({ day }) });"
        " return [told.status, await told.json()] }",
        day,
    )
    assert made[0] in {200, 201}, made
    bulletin = made[1].get("id") or made[1]["line"]["id"]
    page.context.close()
    for login, act in (("duty_leader", "do_check"), ("signatory", "do_sign")):
        page = come_in(browser, serving, language, login)
        page.goto(f"/bulletins/{bulletin}")
        page.get_by_role("button", name=say(f"bulletin.{act}"), exact=True).first.click()
        _answer(page, say(f"bulletin.{act}"))
        page.wait_for_timeout(500)
        page.context.close()
    page = come_in(browser, serving, language, "duty_leader")
    page.goto(f"/bulletins/{bulletin}")
    expect(page.locator("main")).to_contain_text(say("bulletin.state_signed"), timeout=30_000)
    expect(page.frame_locator("iframe").locator("body")).to_contain_text("PM")
    nothing_serious(page)
    page.context.close()


def _answer(page: Page, name: str) -> None:
    """Where a step asks again in a dialog, say yes."""
    page.wait_for_timeout(400)
    dialog = page.get_by_role("dialog")
    if dialog.count():
        dialog.locator("button.primary").last.click()
        dialog.wait_for(state="detached")
    assert name


PAGES = {
    "duty_officer": (
        "/overview",
        "/alarms",
        "/cases",
        "/map",
        "/sites",
        "/warnings",
        "/shift",
        "/bulletins",
        "/me",
        "/trace-reports",
        "/receptor",
    ),
    "grid_officer": ("/officer",),
    "data_engineer": ("/devices", "/devices/unknown", "/devices/forward", "/imports", "/start"),
    "system_admin": ("/health", "/start"),
    "security_admin": ("/accounts",),
    "audit_admin": ("/audit",),
}


def test_axe_finds_nothing_serious_on_any_page_light_or_dark(browser: Browser, serving: ApiServer) -> None:
    """Each page is opened once; after its rules in light its colours are looked at again as a dark machine has them."""
    for login, paths in PAGES.items():
        page = come_in(browser, serving, "zh" if len(paths) > 1 else "en", login, color_scheme="light")
        for path in paths:
            page.goto(path)
            page.locator("main h1").first.wait_for()
            page.wait_for_timeout(700)
            nothing_serious(page)
            page.emulate_media(color_scheme="dark")
            expect(page.locator("html")).to_have_attribute("data-theme", "dark")
            page.wait_for_timeout(300)
            nothing_serious(page, "color-contrast")
            page.emulate_media(color_scheme="light")
        page.context.close()

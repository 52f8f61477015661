"""The first start in a browser: no account, no register, and from there to the first ticks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bihuan.app.api import ApiServer
from bihuan.core import Language, text
from bihuan.register import District, Person
from tests.app.api.onboard import NOW, PASSWORD
from tests.app.api.test_start import KEEPERS, fresh_office, register
from tests.face.test_walk import nothing_serious

pytestmark = pytest.mark.face

STATIONS = "点位编码,点位名称,点位类别,所属区县,经度,纬度\nN1,国控一,国控,D1,113.65,34.75\nN2,,国控,D1,113.66,34.75\n"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[ApiServer]:
    with fresh_office(tmp_path / "home", ()) as office:
        server = ApiServer(office, "127.0.0.1", 0)
        server.start()
        yield server
        server.stop()


def opened(browser: Browser, server: ApiServer, language: Language) -> Page:
    context = browser.new_context(base_url=server.address)
    context.add_init_script(f"localStorage.setItem('bihuan.language', '{language}')")
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto("/login")
    return page


def enter(page: Page, login: str) -> None:
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", PASSWORD)
    page.click("button.primary")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_from_a_home_without_accounts_to_the_first_ticks(
    browser: Browser, fresh: ApiServer, language: Language
) -> None:
    office = fresh.office

    # nobody can log in yet: the page says what to type on the server, and goes on by itself once it was done
    page = opened(browser, fresh, language)
    expect(page.locator("code").first).to_have_text("bihuan user add LOGIN --role security_admin")
    expect(page.locator("input[name=login]")).to_have_count(0)
    nothing_serious(page)
    people = [Person(id=f"P-{role}", name=role, roles=(role,)) for role in (*KEEPERS, "duty_officer")]
    register(office, *people)
    for role in (*KEEPERS, "duty_officer"):
        admin = role if role.endswith("_admin") else ""
        office.accounts.add(role, f"P-{role}", PASSWORD, NOW, admin=admin)
    page.locator("input[name=login]").wait_for()

    # who does not import is told calmly whom to ask
    enter(page, "duty_officer")
    page.wait_for_url("**/start")
    expect(page.locator("main h1")).to_have_text(text("start.calm_title", language))
    expect(page.locator("main")).to_contain_text(text("start.calm_ask", language))
    nothing_serious(page)
    page.goto("/overview")
    page.locator("a[href='/start'].btn").wait_for()
    page.context.close()

    # the data engineer imports: one row is taken, the other is listed with what is wrong
    register(office, District(id="D1", name="一区"))
    page = opened(browser, fresh, language)
    enter(page, "data_engineer")
    page.wait_for_url("**/start")
    steps = page.locator("ol li")
    expect(steps).to_have_count(6)
    expect(page.locator("ol li.done")).to_have_count(1)  # the people
    expect(page.locator("main")).to_contain_text("bihuan demo --port 0")
    nothing_serious(page)
    page.set_input_files("input[type=file]", {"name": "s.csv", "mimeType": "text/csv", "buffer": STATIONS.encode()})
    page.get_by_role("button", name=text("imports.send", language), exact=True).click()
    expect(page.locator("table td").filter(has_text="点位名称").first).to_be_visible()
    expect(page.locator("ol li.done")).to_have_count(3)  # sites, and with the first of them the rules
    nothing_serious(page)
    page.context.close()

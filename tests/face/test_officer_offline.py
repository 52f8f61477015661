"""A grid officer at a gate without network: sign, arrive, look, photograph, report; everything arrives later, once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bihuan.app.api import ApiServer
from bihuan.cases import Action
from bihuan.core import Place
from tests.app.api.busy import actor, person, picture, reported
from tests.app.api.stand import PASSWORD

pytestmark = pytest.mark.face

WORDS = {
    "zh": {
        "sign": "签收", "arrive": "我已到场", "yes": "是", "result": "当场整改", "send": "办结反馈",
        "waiting": "待发送",
    },
    "en": {
        "sign": "Sign for it", "arrive": "I am here", "yes": "yes", "result": "fixed on the spot",
        "send": "Report back", "waiting": "to send",
    },
}  # fmt: skip


def at_phone(browser: Browser, server: ApiServer, language: str, place: Place | None) -> BrowserContext:
    given: dict[str, Any] = {}
    if place:
        given = {"geolocation": {"longitude": place.lon, "latitude": place.lat}, "permissions": ["geolocation"]}
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, base_url=server.address, **given
    )
    context.add_init_script(f"localStorage.setItem('bihuan.language', '{language}')")
    return context


def log_in(page: Page, login: str = "grid_officer") -> None:
    page.goto("/login")
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", PASSWORD)
    page.click("button.primary")
    page.wait_for_url(lambda url: "/login" not in url)


def ready_for_offline(page: Page, case: str) -> None:
    """The worker is there, and the phone holds the case."""
    page.goto("/officer")
    page.locator(f"a[href='/officer/{case}']").wait_for()
    page.evaluate("navigator.serviceWorker.ready")
    until(page, lambda: any(str(key).endswith(case) for key in page.evaluate(KEPT)))


KEPT = """async () => {
    const result = (asked) => new Promise((done) => { asked.onsuccess = () => done(asked.result) })
    const base = await result(indexedDB.open('bihuan'))
    const keys = await result(base.transaction('cases').objectStore('cases').getAllKeys())
    base.close()
    return keys
}"""


def until(page: Page, done: Callable[[], bool]) -> None:
    """Look again and again whether something has come about."""
    for _ in range(300):
        if done():
            return
        page.wait_for_timeout(100)
    raise AssertionError(page.inner_text("body"))


@pytest.fixture(params=["zh", "en"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param


def test_a_case_is_handled_without_network_and_sent_later_in_order(
    browser: Browser, server: ApiServer, language: str
) -> None:
    office, words = server.office, WORDS[language]
    case = reported(office, {"zh": "barbecue", "en": "sewer_mix"}[language], {"zh": 1, "en": 2}[language], 4)
    context = at_phone(browser, server, language, case.place)
    page = context.new_page()
    log_in(page)
    ready_for_offline(page, case.id)

    context.set_offline(True)
    page.goto(f"/officer/{case.id}")  # opened anew: the page itself comes from the phone
    page.get_by_role("button", name=words["sign"]).click()
    page.get_by_role("button", name=words["arrive"]).click()
    page.locator(".check label", has_text=re.compile(f"^{words['yes']}$")).first.click()
    page.set_input_files("input[type=file]", {"name": "gate.jpg", "mimeType": "image/jpeg", "buffer": picture("gate")})
    page.locator(".results label", has_text=words["result"]).click()
    page.fill("textarea", "covered and watered")
    page.reload()  # nothing typed is lost
    expect(page.locator("textarea").first).to_have_value("covered and watered")
    page.get_by_role("button", name=words["send"]).click()
    page.wait_for_url("**/officer")
    expect(page.locator(".queue h2")).to_contain_text(words["waiting"])
    expect(page.locator(".queue h2")).to_contain_text("3")
    assert office.desk.get(case.id).state == "dispatched"

    context.set_offline(False)
    page.locator(".queue").wait_for(state="detached", timeout=30_000)
    after = office.desk.get(case.id)
    kinds = [step.action.kind for step in after.steps if step.action.by.person == person(office, "grid_officer").id]
    assert kinds[-3:] == ["sign", "arrive", "report"]
    assert after.state == "reported"
    assert after.steps[-1].action.get("note") == "covered and watered"
    assert after.steps[-1].action.get("checks").endswith("=yes")
    assert len(after.steps[-1].action.photos) == 1
    assert after.steps[-2].action.place is not None
    context.close()


def test_who_comes_second_sees_both_versions_and_keeps_the_own_one(browser: Browser, server: ApiServer) -> None:
    office = server.office
    case = reported(office, "fireworks", 3, 4)
    context = at_phone(browser, server, "en", case.place)
    page = context.new_page()
    log_in(page)
    ready_for_offline(page, case.id)
    context.set_offline(True)
    page.goto(f"/officer/{case.id}")
    page.get_by_role("button", name="Sign for it").click()
    expect(page.locator(".queue")).to_be_visible()  # kept on the phone
    fields = {"reason": "belongs to housing", "unit": "housing"}
    office.desk.act(case.id, Action("reassign", actor(person(office, "duty_leader")), office.now, fields))
    context.set_offline(False)
    page.goto("/officer")
    queue = page.locator(".queue")
    expect(queue.locator(".conflict")).to_be_visible(timeout=30_000)
    expect(queue).to_contain_text("belongs to housing")
    expect(queue).to_contain_text("sign for")

    page.get_by_role("button", name="more", exact=True).click()
    page.get_by_role("button", name="log out").click()  # something waits: asked before it is cleared
    page.get_by_role("button", name="Stay").click()
    expect(queue.locator(".conflict")).to_be_visible()
    context.close()


def test_a_position_that_is_refused_is_given_by_hand_with_a_reason(browser: Browser, server: ApiServer) -> None:
    office = server.office
    case = reported(office, "black_water", 5, 4)
    officer = actor(person(office, "grid_officer"))
    office.desk.act(case.id, Action("sign", officer, office.now))
    context = at_phone(browser, server, "en", None)
    page = context.new_page()
    log_in(page)
    page.goto(f"/officer/{case.id}")
    page.get_by_role("button", name="I am here").click()
    page.locator("form.hand").get_by_label("Reason").fill("no satellite signal")
    page.get_by_role("button", name="Use this place").click()
    expect(page.locator(".checks")).to_be_visible()
    until(page, lambda: office.desk.get(case.id).state == "on_site")
    arrived = office.desk.get(case.id).steps[-1]
    assert "place_by_hand" in {odd.reason for odd in arrived.complaints}
    context.close()

"""What somebody typed stays, whatever happens to the login meanwhile."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from bihuan.app.api import ApiServer
from bihuan.core import text
from tests.app.api.stand import PASSWORD

pytestmark = pytest.mark.face

TYPED = "合成松湾县二氧化硫仍偏高,请下一班继续盯"


def test_the_note_of_a_shift_outlives_an_expired_login_and_goes_once_it_was_sent(
    browser: Browser, server: ApiServer
) -> None:
    context = browser.new_context(base_url=server.address, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(30_000)
    page = context.new_page()

    def enter() -> None:
        page.fill("input[name=login]", "duty_officer")
        page.fill("input[name=password]", PASSWORD)
        page.keyboard.press("Enter")

    def form() -> None:
        page.get_by_role("button", name=text("shift.hand_over")).first.click()

    page.goto("/login?to=/shift")
    enter()
    form()
    page.locator("textarea").fill(TYPED)
    context.clear_cookies()  # the login ends while the form is open
    page.get_by_role("dialog").get_by_role("button", name=text("shift.hand_over")).click()
    expect(page.locator("input[name=password]")).to_be_visible()
    enter()
    form()
    expect(page.locator("textarea")).to_have_value(TYPED)
    page.get_by_role("dialog").get_by_role("button", name=text("shift.hand_over")).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    kept = page.evaluate("Object.keys(localStorage).filter(key => key.includes('shift/hand-over'))")
    assert kept == []
    context.close()

"""The title of a case follows the case: to another suspect, another matter, and to names instead of codes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bihuan.cases import PublicComplaint, open_from_complaint, open_from_event, title_of
from bihuan.core import Ref
from bihuan.register import District, Register
from tests.cases.town import HOUR, NOON, event, facts, suspects, town

ON = NOON.date()


def test_the_title_names_the_suspect_that_the_case_is_about_now() -> None:
    rise = event()
    case = open_from_event(rise, town(), NOON, suspects=suspects(rise)).case
    assert title_of(case, town(), ON) == case.title() == "东一站 PM10 异常提示,疑似污染源 一号工地:施工扬尘"
    sent_on = replace(case, suspect=Ref("outlet", "o1"), matter="industry")
    named = town().resolve(Ref("outlet", "o1"), ON)
    assert named is not None
    assert title_of(sent_on, town(), ON) == f"东一站 PM10 异常提示,疑似污染源 {named.name}:工业废气"
    assert title_of(replace(case, suspect=None, matter="unknown_source"), town(), ON).startswith(
        "东一站 PM10 异常提示:"
    )


@pytest.mark.parametrize(("language", "printed"), [("zh", "东区"), ("en", "East District")])
def test_a_work_order_prints_the_name_of_its_district_never_the_code(language: str, printed: str) -> None:
    district = District(id="990199", name="东区", name_en="East District")
    told = PublicComplaint(number="ZZ1", received=NOON - HOUR, matter="construction", content="-", district="990199")
    register = Register([*facts(), district])
    case = open_from_complaint(told, register, NOON).case
    title = title_of(case, register, ON, language)  # type: ignore[arg-type]
    assert printed in title
    assert "990199" not in title

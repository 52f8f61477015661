"""An article is cited only where it is in force on the day of the fact and nobody has to guess it."""

import re
from datetime import date

import pytest

from bihuan.core import NotCovered, texts
from bihuan.standards import acts, article

BEFORE, AFTER = date(2026, 8, 14), date(2026, 8, 15)


def test_the_code_is_cited_from_its_first_day_on_and_says_that_it_is_to_be_checked() -> None:
    zoning = article("zoning", on=AFTER)
    assert (zoning.article, zoning.status) == ("66-67", "single_source")
    assert zoning.words() == "《中华人民共和国生态环境法典》第 66-67 条(待核)"
    assert zoning.words("en") == "Eco-Environment Code, article 66-67 (to be checked)"
    assert article("air", on=AFTER).words() == "《中华人民共和国生态环境法典》(待核)"
    with pytest.raises(NotCovered, match="no act about 'zoning' is in force on 2026-08-14"):
        article("zoning", on=BEFORE)


def test_a_single_act_before_it_is_cited_only_where_a_city_has_switched_it_on() -> None:
    with pytest.raises(NotCovered, match=r"a city may switch it on: air_pollution_law_2015#articles\.air"):
        article("air", on=BEFORE)
    for name in ("air_pollution_law_2015", "air_pollution_law_2015#articles.air"):
        assert "大气污染防治法" in article("air", on=BEFORE, allow=frozenset({name})).words()
        assert article("air", on=AFTER, allow=frozenset({name})).title_en == "Eco-Environment Code"


def test_what_no_act_speaks_of_is_named_with_what_is_known() -> None:
    with pytest.raises(NotCovered, match="'ether' is held; standards/acts/ knows: air"):
        article("ether", on=AFTER)


def test_a_day_before_every_act_has_none() -> None:
    with pytest.raises(NotCovered, match="in force on 1990-01-01"):
        article("air", on=date(1990, 1, 1), allow=frozenset({"air_pollution_law_2015"}))


def test_no_words_of_ours_cite_an_act_or_article_without_a_day() -> None:
    cited = re.compile(r"《[^》]*(法|法典|条例)》|第[\s0-9一二三四五六七八九十百]+条")
    loose = [
        f"{table}.{key}" for table, rows in texts("zh").items() for key, words in rows.items() if cited.search(words)
    ]
    assert loose == [], "cite through bihuan.standards.article"


def test_every_act_says_what_it_speaks_of() -> None:
    assert all(act.table("articles") for act in acts())
    assert {act.status for act in acts()} <= {"single_source", "unconfirmed"}, "no text of an act has been read yet"

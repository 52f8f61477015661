"""What the terminal shows: in two languages, wide and narrow, with every word there."""

from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from bihuan.app.pacing import Pacing
from bihuan.app.screen import Screen
from bihuan.core import CHINA, Language, text
from tests.app.lived import Lived

LANGUAGES: tuple[Language, ...] = ("zh", "en")
WIDTHS = (100, 170)


def shown(lived: Lived, language: Language, width: int, whole: bool = True) -> str:
    screen = Screen(lived.run, language, CHINA, Pacing(5, False, 60.0))
    for outcome in lived.outcomes:
        screen.take(outcome)
    console = Console(file=io.StringIO(), width=width, height=44, force_terminal=False)
    console.print(screen.draw() if whole else screen.summary())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_panel_stands_on_the_screen_in_the_language_asked_for(
    lived: Lived, language: Language, width: int
) -> None:
    words = shown(lived, language, width)
    for panel in ("alerts", "suspects"):
        assert text(f"demo.{panel}", language) in words
    assert text("demo.cases", language, open=len(lived.run.loop.desk.open_cases)) in words
    assert str(lived.run.loop.ingest.counts.frames) in words.replace(",", "")
    assert max(map(cell_len, words.splitlines())) == width


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_key_of_a_text_and_no_hole_shows_through(lived: Lived, language: Language, width: int) -> None:
    words = shown(lived, language, width) + shown(lived, language, width, whole=False)
    assert not re.findall(r"\b(?:demo|case|event|matter|aqi|tracing|role|notice)\.[a-z_]+", words)
    assert not re.findall(r"[{}]|\bNone\b(?! of)|\bnan\b", words)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_name_is_cut_short(lived: Lived, language: Language, width: int) -> None:
    """A long name goes on in the next line: nobody can be sent to half a name."""
    words = shown(lived, language, width)
    assert "…" not in words.replace("─…", "") and "\ufffd" not in words
    assert "合成" in words, "names of the synthetic city say so in both languages"


def test_english_uses_no_chinese_but_names(lived: Lived) -> None:
    """Whatever the program itself says is English; names of places stay as they are."""
    words = shown(lived, "en", 170)
    names = {fact.name for fact in lived.facts if fact.name} | {"合成"}
    for name in sorted(names, key=len, reverse=True):
        words = words.replace(name, "")
    assert len(re.findall(r"[\u4e00-\u9fff]", words)) < 20, re.findall(r"[\u4e00-\u9fff]+", words)


def test_before_the_first_step_it_says_that_there_is_nothing_yet(lived: Lived) -> None:
    screen = Screen(lived.run, "en", CHINA, Pacing(5, False, 60.0))
    console = Console(file=io.StringIO(), width=120, height=40, force_terminal=False)
    console.print(screen.draw())
    assert isinstance(console.file, io.StringIO)
    words = console.file.getvalue()
    assert text("demo.no_alert", "en") in words
    assert text("demo.no_trace", "en").split()[0] in words

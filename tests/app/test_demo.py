"""`bihuan demo` into a pipe: lines instead of a screen, up to the score at the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bihuan.app import demo
from bihuan.core import InputError, Language, text
from bihuan.store import open_store


@pytest.mark.parametrize("language", ["zh", "en"])
def test_into_a_pipe_it_prints_lines_and_ends_with_the_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], language: Language
) -> None:
    monkeypatch.setenv("BIHUAN_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "120")
    demo.show(seed=3, hours=1, rough=False, pace=1e6, language=language)
    words = capsys.readouterr().out
    assert "\x1b" not in words, "no control codes in a pipe"
    begin = text("demo.welcome", language, home=tmp_path).split("\n", 1)[0][:12]
    assert begin in words
    assert text("demo.bye", language).split("\n", 1)[0][:8] in words
    assert text("demo.alerts", language) in words
    log = [json.loads(line) for line in (tmp_path / "demo.log").read_text("utf-8").splitlines()]
    assert any(line.get("seed") == 3 for line in log), "what happened is logged as JSON"
    assert (tmp_path / "journal").is_dir()


def test_the_synthetic_city_keeps_out_of_a_home_that_holds_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(tmp_path, threads=1).close()
    monkeypatch.setenv("BIHUAN_HOME", str(tmp_path))
    with pytest.raises(InputError, match="unset BIHUAN_HOME"):
        demo.show(seed=3, hours=1, rough=False, pace=1e6, language="en")
    assert not (tmp_path / "demo.log").exists()

"""Docs that cannot rot: every setting, command and room has its place in the docs."""

from pathlib import Path

from bihuan.app.settings import SETTINGS

DOCS = Path(__file__).parents[1] / "docs"


def test_every_setting_stands_in_the_reference() -> None:
    page = (DOCS / "reference" / "settings.md").read_text("utf-8")
    assert not [setting.name for setting in SETTINGS if f"`{setting.name}`" not in page]

"""Docs that cannot rot: every setting, command and room has its place in the docs."""

import re
from pathlib import Path

from bihuan.app.settings import SETTINGS

DOCS = Path(__file__).parents[1] / "docs"


def test_every_setting_stands_in_the_reference() -> None:
    page = (DOCS / "reference" / "settings.md").read_text("utf-8")
    assert not [setting.name for setting in SETTINGS if f"`{setting.name}`" not in page]


def test_every_link_between_pages_leads_somewhere() -> None:
    root = DOCS.parent
    pages = [*DOCS.rglob("*.md"), *root.glob("*.md")]
    broken = []
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            if not target.startswith(("http:", "https:", "mailto:")) and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(root)}: {target}")
    assert not broken, "\n".join(broken)


def test_both_commands_stand_at_the_top_of_both_readmes() -> None:
    for name in ("README.md", "README.zh-CN.md"):
        top = (DOCS.parent / name).read_text("utf-8").splitlines()[:8]
        assert any(line.startswith("make demo") for line in top)
        assert any(line.startswith("make test") for line in top)

"""The bundle as it leaves us: built for real, installed into an empty folder with the network cut off, and run."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bundle import build

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
ALONE = Path(__file__).with_name("alone.py")
NOWHERE = "http://127.0.0.1:9"


def _cut_off() -> list[str]:
    """How a command is run without network here; with nothing but an unreachable proxy where that is not allowed."""
    for words in (["unshare", "-n"], ["unshare", "-rn"]):
        try:
            if not subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
                return words
        except FileNotFoundError:
            break
    return []


def _alone(*words: str, **more: str) -> str:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    blocked = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), NOWHERE)
    done = subprocess.run(
        [*_cut_off(), sys.executable, str(ALONE), *words],
        env=kept | blocked | {"no_proxy": "127.0.0.1", "PIP_NO_INDEX": "1"} | more,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (build.ROOT / build.PAGES).is_file():
        pytest.skip("the pages are not built: make web")
    work = tmp_path_factory.mktemp("bundle")
    archive = build.build(f"{sys.version_info.major}.{sys.version_info.minor}", work / "dist", work / "build")
    subprocess.run(["tar", "xf", str(archive)], cwd=work, check=True)
    return work / archive.stem


@pytest.fixture(scope="module")
def bihuan(unpacked: Path) -> str:
    target = unpacked.parent / "installed"
    told = _alone(str(unpacked / "install.sh"), str(target), sys.executable)
    assert f"{target}/bin/bihuan user add" in told
    assert f"{target}/bin/bihuan serve" in told
    return f"{target}/bin/bihuan"


def test_an_installed_bundle_says_its_version(bihuan: str) -> None:
    version = build.read_wheel(next((Path(bihuan).parents[2]).glob("bihuan-*/wheels/bihuan-*.whl"))).version
    assert _alone(bihuan, "--version").strip() == f"bihuan, version {version}"


def test_the_first_account_makes_a_store_that_the_doctor_finds_healthy(bihuan: str, tmp_path: Path) -> None:
    home = {"BIHUAN_HOME": str(tmp_path / "data")}
    assert _alone(bihuan, "user", "add", "security", "--role", "security_admin", "--random", **home).startswith(
        "security "
    )
    assert json.loads(_alone(bihuan, "doctor", "--json", **home))["healthy"]


def test_the_synthetic_city_lives_an_hour(bihuan: str, tmp_path: Path) -> None:
    told = _alone(
        bihuan, "demo", "--score", "--seed", "1", "--hours", "1", "--json", BIHUAN_HOME=str(tmp_path / "data")
    )
    assert json.loads(told)["frames"] > 1000


def test_the_pages_are_served(bihuan: str, tmp_path: Path) -> None:
    status, size = _alone(sys.executable, str(ALONE), "--page", bihuan, str(tmp_path / "data")).split()
    assert (status, int(size) > 1000) == ("200", True)


def test_every_link_between_its_pages_leads_somewhere(unpacked: Path) -> None:
    broken = []
    for page in unpacked.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            if not target.startswith(("http:", "https:", "mailto:")) and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(unpacked)}: {target}")
    assert not broken, "\n".join(broken)

"""The installer refuses what it cannot install, says why, and leaves nothing behind."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bundle import build

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """A bundle without libraries: whatever the installer checks before it installs is there."""
    folder = tmp_path / "bihuan-1"
    (folder / "wheels").mkdir(parents=True)
    (folder / "wheels" / "pip-1.whl").write_text("no wheel")
    shutil.copy(build.ROOT / "bundle" / "install.sh", folder)
    _say(folder)
    return folder


def _say(folder: Path, **other: str) -> None:
    told = {"bihuan": "1", "python": HERE, "machine": build.MACHINE, "glibc": "2.5", "unpacked_mb": "1"} | other
    (folder / "VERSION").write_text("".join(f"{key}={value}\n" for key, value in told.items()))
    (folder / "SHA256SUMS").unlink(missing_ok=True)
    (folder / "SHA256SUMS").write_text(build.sums(folder))


def _install(folder: Path, *words: str) -> str:
    """Return what it says on stderr; it never succeeds here."""
    target = folder.parent / "installed" / "1"
    command = ["sh", str(folder / "install.sh"), *(words or (str(target), sys.executable))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder.parent)
    assert done.returncode == 2, done.stdout
    assert words or not target.exists()
    return done.stderr


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"machine": "aarch64"}, "the bundle is for Linux aarch64"),
        ({"glibc": "9.99"}, "the bundle needs 9.99 or newer"),
        ({"python": "3.99"}, f"is Python {HERE}; the bundle is for Python 3.99"),
        ({"unpacked_mb": "999999999"}, "MB are needed"),
    ],
)
def test_a_machine_that_does_not_fit_is_told_what_is_needed(unpacked: Path, other: dict[str, str], said: str) -> None:
    _say(unpacked, **other)
    assert said in _install(unpacked)


def test_a_file_that_changed_on_the_way_is_named_and_nothing_is_installed(unpacked: Path) -> None:
    (unpacked / "wheels" / "pip-1.whl").write_text("no whee1")
    assert "a file is not what it was when the bundle was built" in _install(unpacked)


def test_a_wheel_that_is_not_of_the_bundle_is_refused(unpacked: Path) -> None:
    (unpacked / "wheels" / "numpy-99.whl").write_text("slipped in")
    assert "wheels/numpy-99.whl is not of this bundle" in _install(unpacked)


def test_an_installation_that_breaks_off_leaves_no_folder(unpacked: Path) -> None:
    (unpacked / "requirements.txt").write_text("")
    assert "pip could not install it" in _install(unpacked)


def test_a_folder_that_exists_is_never_touched(unpacked: Path, tmp_path: Path) -> None:
    kept = tmp_path / "old"
    kept.mkdir()
    (kept / "file").write_text("mine")
    assert "exists already" in _install(unpacked, str(kept), sys.executable)
    assert (kept / "file").read_text() == "mine"


def test_without_a_folder_it_says_how_it_is_called(unpacked: Path) -> None:
    assert "./install.sh FOLDER [PYTHON]" in _install(unpacked, "a", "b", "c")

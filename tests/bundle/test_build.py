"""The parts of the bundle, one by one; the bundle as a whole is built and installed by test_closed_network.py."""

import hashlib
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from bundle import build

STAMP = 1_700_000_000


def _wheel(folder: Path, name: str, version: str = "1.0", tags: str = "py3-none-any") -> Path:
    file = folder / f"{name}-{version}-{tags}.whl"
    with zipfile.ZipFile(file, "w") as made:
        made.writestr(
            f"{name}-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        made.writestr(f"{name}/__init__.py", "x = 1\n")
    return file


def test_a_system_takes_wheels_for_its_own_and_every_older_c_library() -> None:
    names = build.platforms((2, 28))
    assert names[0] == "manylinux_2_28_x86_64"
    assert {"manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux1_x86_64"} <= set(names)
    assert not [name for name in names if "2_29" in name]


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        (["py3-none-any"], (2, 5)),
        (["cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64"], (2, 17)),
        (["cp311-cp311-manylinux_2_17_x86_64.manylinux_2_28_x86_64"], (2, 17)),
        (["py3-none-any", "cp311-abi3-manylinux_2_26_x86_64", "cp311-cp311-manylinux2014_x86_64"], (2, 26)),
    ],
)
def test_the_oldest_c_library_is_that_of_the_most_demanding_wheel(
    tmp_path: Path, tags: list[str], wanted: tuple[int, int]
) -> None:
    wheels = [build.read_wheel(_wheel(tmp_path, f"part{number}", tags=tag)) for number, tag in enumerate(tags)]
    assert build.wanted_glibc(wheels) == wanted


def test_a_wheel_of_another_version_than_the_tested_one_is_refused(tmp_path: Path) -> None:
    _wheel(tmp_path, "Some_Part", "1.0")
    assert [wheel.name for wheel in build.pinned(tmp_path, "# said\nsome-part==1.0\n")] == ["some-part"]
    with pytest.raises(build.CannotBuild, match=r"some-part 1.0 is not pinned"):
        build.pinned(tmp_path, "some-part==1.1\n")


def test_pip_takes_only_the_bytes_that_the_builder_saw(tmp_path: Path) -> None:
    file = _wheel(tmp_path, "part")
    told = build.requirements([build.read_wheel(file)])
    assert told == f"part==1.0 --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n"


def test_the_same_files_make_the_same_archive_whenever_they_were_written(tmp_path: Path) -> None:
    folder = tmp_path / "bihuan-1"
    (folder / "b").mkdir(parents=True)
    (folder / "install.sh").write_text("#!/bin/sh\n")
    (folder / "b" / "z").write_text("z")
    (folder / "a").write_text("a")
    first = build.pack(folder, tmp_path / "one", STAMP)
    os.utime(folder / "a", (1, 1))
    (folder / "b" / "z").chmod(0o600)
    second = build.pack(folder, tmp_path / "two", STAMP)
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as held:
        entries = held.getmembers()
    assert [entry.name for entry in entries] == ["bihuan-1/a", "bihuan-1/b/z", "bihuan-1/install.sh"]
    assert {(entry.mtime, entry.uname, entry.uid) for entry in entries} == {(STAMP, "root", 0)}
    assert [oct(entry.mode) for entry in entries] == ["0o644", "0o644", "0o755"]
    digest, name = (tmp_path / "one" / "bihuan-1.tar.sha256").read_text().split()
    assert (digest, name) == (hashlib.sha256(first.read_bytes()).hexdigest(), "bihuan-1.tar")


def test_every_file_but_the_list_itself_has_its_sum(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    wheel = _wheel(tmp_path / "wheels", "part")
    (tmp_path / "VERSION").write_text("bihuan=1\n")
    lines = build.sums(tmp_path).splitlines()
    assert [line.split("  ")[1] for line in lines] == ["VERSION", f"wheels/{wheel.name}"]
    assert lines[1].split("  ")[0] == hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_the_time_of_the_bundle_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(build.EPOCH, str(STAMP))
    assert build.changed_at() == STAMP


def test_without_the_built_pages_nothing_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "PAGES", Path("nowhere", "index.html"))
    with pytest.raises(build.CannotBuild, match="run make web first"):
        build.build("3.11", tmp_path)

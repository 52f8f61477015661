"""Build one archive that installs and runs Bihuan without any network: ``python bundle/build.py [--python 3.12]``.

It holds our wheel with the built pages in it, every wheel that ``constraints.txt`` pins for running (and pip itself),
``install.sh``, the licences, the docs and a list of SHA-256 sums. Network is needed here, where it is built, and
nowhere else. It runs in the environment of ``make install``, which has pip and no more is needed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

ROOT = Path(__file__).parents[1]
WORK = ROOT / "build" / "bundle"
OUT = ROOT / "dist"
PAGES = Path("src", "bihuan", "app", "api", "dist", "index.html")
MACHINE = "x86_64"

GLIBC = (2, 28)
"""The newest C library that a wheel of the bundle may want: what the servers of the last years have."""

PIP = "pip"
"""Carried along: a system without its package ``python3-venv`` has no pip to put into an environment."""

PAPERS = (
    "LICENSE",
    "NOTICE",
    "THIRD-PARTY.md",
    "README.md",
    "README.zh-CN.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
)
EPOCH = "SOURCE_DATE_EPOCH"


class CannotBuild(Exception):
    """The bundle cannot be made; the message says what is missing and what to do."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel of the bundle.

    Attributes
    ----------
    name : str
        Normalised: lower case, one hyphen.
    version : str
    file : Path
    tags : tuple of str
        Its platforms, as in its file name.
    packed, unpacked : int
        Of the file, and of what it holds. [bytes]
    """

    name: str
    version: str
    file: Path
    tags: tuple[str, ...]
    packed: int
    unpacked: int


def main(words: list[str] | None = None) -> None:
    """Build it and print what it weighs."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--python", default=f"{sys.version_info.major}.{sys.version_info.minor}", help="such as 3.12")
    asked.add_argument("--out", type=Path, default=OUT, help="folder of the archive")
    given = asked.parse_args(words)
    try:
        archive = build(given.python, given.out)
    except CannotBuild as problem:
        raise SystemExit(f"bundle: {problem}") from None
    print(f"{archive}  {archive.stat().st_size / 1e6:.0f} MB")


def build(python: str, out: Path, work: Path = WORK) -> Path:
    """Return the archive for one Python, such as ``3.11``.

    Raises
    ------
    CannotBuild
        If the pages are not built, or a library is not pinned or has no wheel for the target.
    """
    if not (ROOT / PAGES).is_file():
        raise CannotBuild(f"{PAGES} is not there: run make web first, or make bundle, which does")
    stamp = changed_at()
    fetch(python, work / "wheels")
    pins = (ROOT / "constraints.txt").read_text("utf-8")
    wheels = [*pinned(work / "wheels", pins), own_wheel(work / "own", stamp)]
    version = next(wheel.version for wheel in wheels if wheel.name == "bihuan")
    name = f"bihuan-{version}-linux-{MACHINE}-py{python.replace('.', '')}"
    folder = work / name
    shutil.rmtree(folder, ignore_errors=True)
    lay_out(folder, wheels, python, stamp)
    print(weights(wheels))
    return pack(folder, out, stamp)


def changed_at() -> int:
    """When what is built last changed: the commit's time, or ``SOURCE_DATE_EPOCH``; the same source, the same bytes."""
    if EPOCH in os.environ:
        return int(os.environ[EPOCH])
    said = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    return int(said) if said else (ROOT / "pyproject.toml").stat().st_mtime_ns // 10**9


def platforms(glibc: tuple[int, int] = GLIBC) -> list[str]:
    """Name every platform tag that a system with this C library takes, the newest first."""
    old = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
    names = []
    for minor in range(glibc[1], 4, -1):
        names.append(f"manylinux_{glibc[0]}_{minor}_{MACHINE}")
        if minor in old:
            names.append(f"{old[minor]}_{MACHINE}")
    return names


def fetch(python: str, folder: Path) -> None:
    """Download the pinned wheels of the base install, and pip, for the target.

    Raises
    ------
    CannotBuild
        If pip finds no wheel of a library; its own words stand above.
    """
    shutil.rmtree(folder, ignore_errors=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    target = [word for name in platforms() for word in ("--platform", name)]
    short = f"cp{python.replace('.', '')}"
    target += ["--python-version", python, "--implementation", "cp", "--abi", short, "--abi", "abi3", "--abi", "none"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--only-binary=:all:", *target, "-c", str(ROOT / "constraints.txt"), "--dest", str(folder)]
    done = subprocess.run([*command, PIP, *project["dependencies"]], check=False)
    if done.returncode:
        raise CannotBuild(
            f"not every library of constraints.txt has a wheel for Python {python}, {MACHINE} and C library "
            f"{GLIBC[0]}.{GLIBC[1]}, or the package index was not reached: see above"
        )


def pinned(folder: Path, constraints: str) -> list[Wheel]:
    """Return the wheels of a folder.

    Raises
    ------
    CannotBuild
        If one is not of the version that ``constraints.txt`` names: the bundle holds what was tested, nothing else.
    """
    lines = [line.partition("==") for line in constraints.splitlines() if line and line[0] != "#"]
    pins = {_normal(name): version for name, _, version in lines}
    found = [read_wheel(file) for file in sorted(folder.glob("*.whl"))]
    for wheel in found:
        if pins.get(wheel.name) != wheel.version:
            raise CannotBuild(f"{wheel.name} {wheel.version} is not pinned: add it to constraints.txt")
    return found


def own_wheel(folder: Path, stamp: int) -> Wheel:
    """Build our wheel, with the pages in it.

    Raises
    ------
    CannotBuild
        If it cannot be built, or came without the pages.
    """
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    environment = os.environ | {EPOCH: str(stamp)}
    done = subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT)], env=environment, check=False)
    if done.returncode:
        raise CannotBuild("our own wheel could not be built: see above")
    wheel = read_wheel(next(folder.glob("bihuan-*.whl")))
    with zipfile.ZipFile(wheel.file) as held:
        if str(PAGES.relative_to("src")) not in held.namelist():
            raise CannotBuild("our own wheel came without the pages: see artifacts in pyproject.toml")
    return wheel


def read_wheel(file: Path) -> Wheel:
    """Read what a wheel says of itself."""
    with zipfile.ZipFile(file) as held:
        about = next(name for name in held.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
        told = Parser().parsestr(held.read(about).decode("utf-8"), headersonly=True)
        unpacked = sum(entry.file_size for entry in held.infolist())
    tags = tuple(file.stem.split("-")[-1].split("."))
    return Wheel(_normal(str(told["Name"])), str(told["Version"]), file, tags, file.stat().st_size, unpacked)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted_glibc(wheels: Iterable[Wheel]) -> tuple[int, int]:
    """Return the oldest C library that takes all wheels."""
    old = {"manylinux1": 5, "manylinux2010": 12, "manylinux2014": 17}
    oldest = (2, 5)
    for wheel in wheels:
        levels = [
            (2, int(minor) if minor else old[name])
            for tag in wheel.tags
            for name, minor in re.findall(rf"^(manylinux\d*)(?:_2_(\d+))?_{MACHINE}$", tag)
        ]
        oldest = max(oldest, min(levels)) if levels else oldest
    return oldest


def lay_out(folder: Path, wheels: list[Wheel], python: str, stamp: int) -> None:
    """Put everything of the archive in its place, the sums last."""
    (folder / "wheels").mkdir(parents=True)
    for wheel in wheels:
        shutil.copyfile(wheel.file, folder / "wheels" / wheel.file.name)
    for paper in PAPERS:
        shutil.copyfile(ROOT / paper, folder / paper)
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("changes"))
    shutil.copyfile(ROOT / "bundle" / "install.sh", folder / "install.sh")
    (folder / "install.sh").chmod(0o755)
    (folder / "requirements.txt").write_text(requirements(wheels), "utf-8")
    (folder / "VERSION").write_text("".join(f"{key}={value}\n" for key, value in about(wheels, python, stamp).items()))
    (folder / "SHA256SUMS").write_text(sums(folder), "utf-8")


def about(wheels: list[Wheel], python: str, stamp: int) -> Mapping[str, str]:
    """Return what ``install.sh`` reads from the file VERSION."""
    glibc = wanted_glibc(wheels)
    versions = {wheel.name: wheel.version for wheel in wheels}
    return {
        "bihuan": versions["bihuan"],
        "python": python,
        "machine": MACHINE,
        "glibc": f"{glibc[0]}.{glibc[1]}",
        "commit_time": str(stamp),
        "wheels": str(len(wheels)),
        "unpacked_mb": str(round(sum(wheel.unpacked for wheel in wheels) / 1e6)),
    }


def requirements(wheels: Iterable[Wheel]) -> str:
    """Name every wheel with its digest, so that pip takes these bytes and no others."""
    lines = (
        f"{wheel.name}=={wheel.version} --hash=sha256:{_digest(wheel.file)}\n"
        for wheel in sorted(wheels, key=lambda wheel: wheel.name)
    )
    return "".join(lines)


def sums(folder: Path) -> str:
    """Return the SHA-256 of every file, as ``sha256sum -c`` reads it."""
    return "".join(f"{_digest(file)}  {file.relative_to(folder).as_posix()}\n" for file in _files(folder))


def _files(folder: Path) -> Iterator[Path]:
    """Every file, always in the same order."""
    yield from sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.as_posix())


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def pack(folder: Path, out: Path, stamp: int) -> Path:
    """Write the archive and its sum; wheels are packed already, so the archive itself is not.

    Order, owner, mode and time of every entry are fixed: the same files give the same bytes.
    """
    out.mkdir(parents=True, exist_ok=True)
    archive = out / f"{folder.name}.tar"

    def fixed(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = stamp
        entry.mode = 0o755 if entry.name.endswith(".sh") else 0o644
        return entry

    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as packed:
        for file in _files(folder):
            packed.add(file, f"{folder.name}/{file.relative_to(folder).as_posix()}", filter=fixed)
    archive.with_name(f"{archive.name}.sha256").write_text(f"{_digest(archive)}  {archive.name}\n", "utf-8")
    return archive


def weights(wheels: Iterable[Wheel], rows: int = 15) -> str:
    """Say which wheels weigh most, packed and unpacked."""
    heavy = sorted(wheels, key=lambda wheel: -wheel.unpacked)
    lines = [f"{'MB unpacked':>12}{'MB packed':>11}  wheel"]
    lines += [f"{w.unpacked / 1e6:12.1f}{w.packed / 1e6:11.1f}  {w.name} {w.version}" for w in heavy[:rows]]
    rest = heavy[rows:]
    lines.append(f"{_mb(w.unpacked for w in rest):12.1f}{_mb(w.packed for w in rest):11.1f}  {len(rest)} others")
    lines.append(f"{_mb(w.unpacked for w in heavy):12.1f}{_mb(w.packed for w in heavy):11.1f}  all {len(heavy)}")
    return "\n".join(lines)


def _mb(sizes: Iterable[int]) -> float:
    return sum(sizes) / 1e6


if __name__ == "__main__":
    main()

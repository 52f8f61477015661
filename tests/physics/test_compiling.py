"""Kept loops grow old with every file they reach, and with no other."""

from __future__ import annotations

from pathlib import Path

import bihuan
from bihuan.physics.compiling import digest_of, reached
from bihuan.physics.steady.axis_kernels import fill_axis
from bihuan.physics.steady.run_kernels import run_hours

ROOT = Path(bihuan.__file__).parent
STEADY = ROOT / "physics" / "steady"


def names(file: Path) -> set[str]:
    return {path.name for path in reached(file, ROOT)}


def test_a_loop_is_as_old_as_the_oldest_file_it_reaches() -> None:
    assert names(STEADY / "run_kernels.py") >= {
        "run_kernels.py", "area_kernels.py", "ladder_kernels.py", "axis_kernels.py", "profile_kernels.py",
        "road_kernels.py", "wake_field_kernels.py", "wake_rise_kernels.py", "pit_kernels.py", "compiling.py",
    }  # fmt: skip


def test_a_loop_does_not_grow_old_with_files_it_does_not_reach() -> None:
    assert names(ROOT / "physics" / "trajectory_kernels.py") == {"trajectory_kernels.py", "compiling.py"}
    assert names(ROOT / "tracing" / "likelihood.py") == {"likelihood.py", "compiling.py"}
    assert "road_kernels.py" not in names(STEADY / "area_kernels.py")


def test_every_way_to_import_is_followed(tmp_path: Path) -> None:
    root = tmp_path / "made"
    (root / "inner").mkdir(parents=True)
    told = {
        "__init__": "", "inner/__init__": "from made.deep import x", "deep": "x = 1", "far": "y = 1", "star": "z = 1",
        "plain": "w = 1", "apart": "v = 1", "lone": "u = 1",
        "a": (
            "from made.inner import (\n    name,  # (eq. 1)\n    other as o,\n)\nfrom made import far as f\n"
            "from made.star import *\nimport made.plain, made.apart as p\nimport os\nfrom json import loads\n"
        ),
    }  # fmt: skip
    for name, text in told.items():
        (root / f"{name}.py").write_text(text)
    inside = {path.relative_to(root).as_posix() for path in reached(root / "a.py", root) if root in path.parents}
    assert inside == {"a.py", "inner/__init__.py", "deep.py", "far.py", "star.py", "plain.py", "apart.py"}


def test_an_import_of_unknown_reach_reaches_everything(tmp_path: Path) -> None:
    for name, text in {"a": "from . import b", "b": "", "c": ""}.items():
        (tmp_path / f"{name}.py").write_text(text)
    assert {path.name for path in reached(tmp_path / "a.py", tmp_path)} == {"a.py", "b.py", "c.py", "compiling.py"}


def test_a_kept_loop_carries_the_digest_of_its_file() -> None:
    for kernel, file in ((fill_axis, "axis_kernels.py"), (run_hours, "run_kernels.py")):
        stamp = kernel._cache._cache_file._source_stamp[1]  # type: ignore[attr-defined]
        assert stamp == digest_of(STEADY / file)
    assert digest_of(STEADY / "axis_kernels.py") != digest_of(STEADY / "run_kernels.py")

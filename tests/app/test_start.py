"""What a command loads before it does anything: what it does not need it does not wait for."""

import subprocess
import sys

import pytest

HEAVY = (
    "numpy",
    "pyarrow",
    "polars",
    "duckdb",
    "sqlalchemy",
    "pyproj",
    "scipy.stats",
    "matplotlib",
    "numba",
    "fastapi",
)
NEEDS = {
    "bihuan.app.cli": set(),
    "bihuan.app.access": {"numpy", "pyarrow", "polars", "duckdb", "sqlalchemy", "pyproj"},
    "bihuan.app.reporting": {"numpy", "pyarrow", "polars", "duckdb", "sqlalchemy", "pyproj", "matplotlib"},
}


@pytest.mark.parametrize("module", NEEDS)
def test_a_command_loads_only_the_heavy_libraries_that_it_needs(module: str) -> None:
    asked = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.split()
    assert set(told) <= NEEDS[module]

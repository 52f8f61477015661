"""An account without a folder of its own keeps compiled kernels and the list of fonts beside the data."""

from pathlib import Path

import pytest

from bihuan.app.caches import FOLDERS, settle_caches
from bihuan.physics import compiled, compiling


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "store.toml").write_text("format = 1\n")
    return tmp_path


def test_an_account_that_may_write_nowhere_gets_a_folder_below_the_store(home: Path) -> None:
    environment = {"HOME": "/dev/null/nowhere"}
    settle_caches(home, environment)
    assert {name: Path(environment[name]) for name in FOLDERS} == {
        "NUMBA_CACHE_DIR": home / "cache" / "numba",
        "MPLCONFIGDIR": home / "cache" / "matplotlib",
    }
    assert not (home / "cache").exists()


def test_what_the_environment_says_already_stays(home: Path) -> None:
    environment = {"HOME": "/dev/null/nowhere", "NUMBA_CACHE_DIR": "/var/cache/ours"}
    settle_caches(home, environment)
    assert environment["NUMBA_CACHE_DIR"] == "/var/cache/ours"


@pytest.mark.parametrize("name", ["HOME", "XDG_CACHE_HOME"])
def test_an_account_with_a_cache_of_its_own_keeps_it(home: Path, name: str) -> None:
    environment = {"HOME": "/dev/null/nowhere"} | {name: str(home / "account")}
    settle_caches(home, environment)
    assert not FOLDERS.keys() & environment.keys()


def test_a_folder_without_a_store_stays_empty_for_a_backup_to_come_back(tmp_path: Path) -> None:
    environment = {"HOME": "/dev/null/nowhere"}
    settle_caches(tmp_path, environment)
    assert not FOLDERS.keys() & environment.keys()


def test_a_kernel_is_compiled_although_it_can_be_kept_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    real = compiling.njit

    def nowhere(*, cache: bool = False, error_model: str, nogil: bool) -> object:
        if cache:
            raise RuntimeError("cannot cache function 'twice': no locator available")
        return real(error_model=error_model, nogil=nogil)

    monkeypatch.setattr(compiling, "njit", nowhere)

    @compiled
    def twice(x: float) -> float:
        return 2 * x

    assert twice(21.0) == 42.0

"""`bihuan store move` switches the setting at the end and at the end only."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from bihuan.app.cli import cli
from bihuan.app.moving import drop_left, move_series
from bihuan.app.opened import lake_of, opened
from bihuan.app.settings import Settings, read_settings
from bihuan.core import InputError, NotCovered, SettingError
from bihuan.store import LakeAddress, LakeStore, open_store
from tests.store.conftest import lake_address, postgresql  # noqa: F401  # fixtures
from tests.store.rows import many


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    with open_store(path) as store:
        store.series.append(many(5, 0))
    (path / "bihuan.toml").write_text('city_name = "合成市"\nseries = "embedded"\n', "utf-8")
    return path


def given(address: LakeAddress) -> dict[str, str]:
    return {"lake_catalog": address.catalog, "lake_data": address.data, "lake_schema": address.schema}


def test_there_and_back_with_the_command(
    home: Path,
    lake_address: LakeAddress,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BIHUAN_HOME", str(home))
    words = ["--catalog", lake_address.catalog, "--data", lake_address.data, "--schema", lake_address.schema]
    told = CliRunner().invoke(cli, ["store", "move", "--to", "lake", *words, "--json"], catch_exceptions=False)
    assert json.loads(told.stdout)["counts"]["readings"] == 50
    settings = tomllib.loads((home / "bihuan.toml").read_text("utf-8"))
    assert settings == {"city_name": "合成市", "series": "lake", **given(lake_address)}
    with opened(home) as store:
        assert isinstance(store.series, LakeStore)
        store.series.append(many(5, 1))
    assert drop_left(home) == ["series.duckdb"]
    told = CliRunner().invoke(cli, ["store", "move", "--to", "embedded"], catch_exceptions=False)
    assert "readings 100" in told.output
    with opened(home) as store:
        assert not isinstance(store.series, LakeStore)
        assert store.series.counts()["readings"] == 100
    with pytest.raises(InputError, match="no move has left"):
        drop_left(home)


def test_a_move_that_fails_switches_nothing(home: Path, lake_address: LakeAddress) -> None:  # noqa: F811
    before = (home / "bihuan.toml").read_bytes()

    def tell(table: str, part: int, parts: int) -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        move_series(home, "lake", given(lake_address), tell)
    assert (home / "bihuan.toml").read_bytes() == before
    with opened(home) as store:
        assert store.series.counts()["readings"] == 50


def test_what_cannot_be_moved_is_refused(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotCovered, match="no store"):
        move_series(tmp_path / "none", "lake")
    with pytest.raises(InputError, match="embedded already"):
        move_series(home, "embedded")
    with pytest.raises(SettingError, match="lake_catalog"):
        move_series(home, "lake")
    monkeypatch.setenv("BIHUAN_SERIES", "embedded")
    with pytest.raises(InputError, match="environment"):
        move_series(home, "lake")
    assert read_settings(home, {}).text("series") == "embedded"


def test_a_setting_of_another_word_is_refused() -> None:
    with pytest.raises(SettingError, match="embedded or lake"):
        lake_of(Settings({"series": "cloud"}))
    assert lake_of(Settings()) is None

from pathlib import Path

import pytest

from bihuan.app.settings import SETTINGS, Settings, read_settings
from bihuan.core import SettingError


def test_the_environment_beats_the_file_and_the_file_beats_the_default(tmp_path: Path) -> None:
    (tmp_path / "bihuan.toml").write_text('hj212_port = 9300\nhost = "127.0.0.2"\n')
    settings = read_settings(tmp_path, {"BIHUAN_HJ212_PORT": "9400"})
    assert settings.whole("hj212_port") == 9400
    assert settings.text("host") == "127.0.0.2"
    assert settings.whole("gateways") == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("prot = 1", "unknown; known: host"),
        ('hj212_port = "x"', "must be int"),
        ("hj212_port = ", "no TOML"),
        ('zone = "Mars/Base"', "no time zone"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "bihuan.toml").write_text(content)
    with pytest.raises(SettingError, match=words):
        read_settings(tmp_path, {})


def test_a_wrong_environment_value_is_named() -> None:
    with pytest.raises(SettingError, match="hj212_port"):
        read_settings(Path("/nowhere"), {"BIHUAN_HJ212_PORT": "many"})


def test_the_servers_listen_on_this_machine_only_by_default() -> None:
    assert Settings().text("host") == "127.0.0.1"


def test_no_setting_names_an_outside_host_by_default() -> None:
    assert all(setting.default == "" for setting in SETTINGS if setting.name in {"smtp_host", "webhook_url"})

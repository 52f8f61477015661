"""Settings of the process: one list, read from `bihuan.toml` in BIHUAN_HOME, then from the environment.

Settings of the city (targets, time limits, switched-on rules) are dated and authored and live in the records.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bihuan.core import SettingError

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name, default and what it does."""

    name: str
    default: Value
    help: str


SETTINGS = (
    Setting("host", "127.0.0.1", "address the servers listen on; anything else opens them to the network"),
    Setting("port", 8080, "HTTP port for people and programs"),
    Setting("hj212_port", 9212, "TCP port for devices"),
    Setting("gateways", 1, "gateway processes"),
    Setting("role", "all", "what this host does: all, ingest (takes in only) or gateway (listens only)"),
    Setting("devices_file", "", "role gateway: list of known loggers that a core writes (its devices.json)"),
    Setting("zone", "Asia/Shanghai", "local time of the city"),
    Setting("city_name", "", "name printed on alerts and reports"),
    Setting("issuing_unit", "", "unit at the red head of bulletins; empty: the city's duty office"),
    Setting("copies_to", "", "who gets a copy of bulletins, as printed"),
    Setting("log_level", "INFO", "DEBUG, INFO, WARNING or ERROR"),
    Setting("idle_seconds", 900, "a silent connection is closed after this long"),
    Setting("max_connections_per_address", 2000, "further connections of one address are refused"),
    Setting("loop_seconds", 5, "how often the loop looks for new frames"),
    Setting("session_idle_minutes", 30, "a login that is not used for so long ends"),
    Setting("session_hours", 12, "a login ends after so long, used or not"),
    Setting("login_failures", 5, "wrong passwords after which an account is locked"),
    Setting("login_failure_minutes", 30, "how long a wrong password counts [min]"),
    Setting("lock_minutes", 15, "for how long it is locked"),
    Setting("token_days", 90, "longest life of a token for programs"),
    Setting("log_days", 183, "days for which logs are kept; not less than six months"),
    Setting("body_megabytes", 64, "largest request that is read"),
    Setting("hosts", "", "names of the server, by comma; empty: any, on loopback only localhost"),
    Setting("tls_certificate", "", "file of the certificate (PEM); empty: no TLS (loopback, or behind a proxy)"),
    Setting("tls_key", "", "file of its key (PEM)"),
    Setting("trusted_proxies", "", "addresses or networks of TLS proxies, by comma; only they are believed who asks"),
    Setting("smtp_host", "", "mail server; empty sends no mail"),
    Setting("smtp_port", 25, "port of the mail server"),
    Setting("smtp_sender", "", "address mails come from"),
    Setting(
        "map_tiles",
        "",
        "address of raster tiles with {z} {x} {y}; empty: the city's own layers only",
    ),
    Setting("map_attribution", "", "who made the base map, printed on every map"),
    Setting("map_review", "", "review number (GS) of the base map, printed on every map"),
    Setting("upload_mib", 60, "largest file that is imported through the pages, below body_megabytes [MiB]"),
    Setting("tracing_model", "engine", "physics of tracing: engine (the steady engine) or plume (Gaussian, Briggs)"),
    Setting("webhook_url", "", "where notices are posted; empty posts none"),
    Setting("mqtt_host", "", "address of an MQTT broker that devices publish to; empty: none"),
    Setting("mqtt_port", 1883, "port of the broker"),
    Setting(
        "mqtt_topics",
        "bihuan/{mn}/hj212,bihuan/{mn}/json,bihuan/{mn}/data",
        "topics that are read, by comma; {mn} is the level that names the device",
    ),
    Setting("mqtt_client", "bihuan", "name under which the broker keeps what we have not acknowledged"),
    Setting("mqtt_user", "", "login at the broker; empty: none"),
    Setting("mqtt_password", "", "its password; better in the environment than in the file"),
    Setting("mqtt_tls", False, "speak TLS with the broker"),
    Setting("mqtt_ca", "", "file of the authority of the broker's certificate (PEM); empty: those of this machine"),
    Setting("inbox", "", "folder that is watched for files (FTP and the like); empty: none"),
    Setting("inbox_quiet_seconds", 10, "a file that has not grown for so long is complete"),
    Setting("series", "embedded", "where observations lie: embedded (one file of this machine) or lake (many hosts)"),
    Setting("lake_catalog", "", "PostgreSQL of the lake: postgresql://USER:PASSWORD@HOST/DATABASE"),
    Setting("lake_data", "", "its files: a folder that every host sees under this name, or s3://BUCKET/PREFIX"),
    Setting("lake_schema", "bihuan", "schema of the catalog: one a city, so that many share a database"),
    Setting("lake_s3_key", "", "access key of the bucket"),
    Setting("lake_s3_secret", "", "its secret; better as BIHUAN_LAKE_S3_SECRET than in the file"),
    Setting("lake_s3_endpoint", "", "host of the bucket where it is not Amazon's; with http:// before it without TLS"),
    Setting("lake_s3_region", "", "region of the bucket"),
    Setting("gateway_prefix", "g", "begins the names of the gateways; of its own for each host that shares a lake"),
)
"""Every setting of the process; a test holds that `docs/reference/settings.md` lists them."""

BY_NAME = {setting.name: setting for setting in SETTINGS}


class Settings:
    """The settings in force.

    Parameters
    ----------
    values : mapping of str to str, int, float or bool
        Those that differ from their default.

    Raises
    ------
    SettingError
        If a name is unknown or a value is not of the default's type.
    """

    def __init__(self, values: Mapping[str, Value] | None = None) -> None:
        self._values = {setting.name: setting.default for setting in SETTINGS}
        for name, value in (values or {}).items():
            self._values[name] = _checked(name, value)
        try:
            self.zone = ZoneInfo(self.text("zone"))
        except (ZoneInfoNotFoundError, ValueError):
            raise SettingError(
                f"setting zone = {self.text('zone')!r} is no time zone: write one like Asia/Shanghai"
            ) from None

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def text(self, name: str) -> str:
        """Return a setting as text."""
        return str(self._values[name])

    def whole(self, name: str) -> int:
        """Return a setting as a whole number."""
        return int(self._values[name])


def read_settings(home: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read `home/bihuan.toml` if it is there, then ``BIHUAN_<NAME>`` of the environment over it.

    Raises
    ------
    SettingError
        If the file is no TOML, or a setting is unknown or of the wrong type.
    """
    values: dict[str, Value] = {}
    path = home / "bihuan.toml"
    if path.exists():
        try:
            values.update(tomllib.loads(path.read_text("utf-8")))
        except tomllib.TOMLDecodeError as problem:
            raise SettingError(f"settings file {path} is no TOML: {problem}") from None
    environment = os.environ if environment is None else environment
    for setting in SETTINGS:
        text = environment.get(f"BIHUAN_{setting.name.upper()}")
        if text is not None:
            values[setting.name] = _from_text(setting, text)
    return Settings(values)


def _checked(name: str, value: Value) -> Value:
    setting = BY_NAME.get(name)
    if setting is None:
        raise SettingError(f"setting {name!r} is unknown; known: {', '.join(BY_NAME)}")
    wanted = type(setting.default)
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        raise SettingError(f"setting {name} = {value!r} must be {wanted.__name__}, like {setting.default!r}")
    return value


def _from_text(setting: Setting, text: str) -> Value:
    if isinstance(setting.default, bool):
        if text.lower() not in {"true", "false"}:
            raise SettingError(f"setting {setting.name} = {text!r} must be true or false")
        return text.lower() == "true"
    try:
        return type(setting.default)(text)
    except ValueError:
        raise SettingError(
            f"setting {setting.name} = {text!r} must be {type(setting.default).__name__}, like {setting.default!r}"
        ) from None

"""Commands beside a live server: they ask it, and say clearly what it refuses."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from bihuan.app.cli import cli
from bihuan.app.cli_user import add
from bihuan.app.commands import COMMANDS, Line
from bihuan.app.rebuild import rebuild_series
from bihuan.app.remote import live_server, run_command
from bihuan.core import InputError, NotCovered, StoreLocked
from bihuan.register import Station
from bihuan.store import open_store, read_manifest
from tests.app.homes import city_file
from tests.app.small import MNS, day_of_frames, journal, read_json, run, serving, settle, wait_until

PASSWORD = "Quartz-lantern-2026"


def ask(home: Path, name: str, **options: Any) -> list[Line]:
    """Ask the server that owns a home."""
    assert live_server(home) is not None
    return list(run_command(home, name, options, "zh"))


def test_commands_beside_a_live_server_use_its_store(tmp_path: Path) -> None:
    home = tmp_path / "home"
    settle(home)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    journal(home, day_of_frames(now - timedelta(hours=2), 1), "g9")
    with serving(home):
        token = home / "server.json"
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        wait_until("taken", lambda: read_json(home / "status.json").get("store", {}).get("ingest", {}).get("frames"))
        report = ask(home, "import", files=[str(city_file(tmp_path / "day.csv"))])[0]
        assert (report.data["kind"], report.data["read"], report.code) == ("feed", 23, 0)
        assert ask(home, "assess", medium="air", site="city:郑州")[0].data["medium"] == "air"
        with pytest.raises(NotCovered, match="no hour of city:none"):
            ask(home, "replay", site="city:none")
        manifest = json.loads(run(home, "backup", str(tmp_path / "copy"), "--json").stdout)
        assert manifest["counts"] == read_manifest(tmp_path / "copy").counts
        assert "is not stored here" in run(home, "explain", "case:none", code=2).stderr
        hour = f"reading:station:1/pm25/avg/device/{now - timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}"
        assert ask(home, "explain", ref=hour)[0].data["frame_count"] > 0
        with pytest.raises(NotCovered, match="event:none is not stored here"):
            ask(home, "trace", event="none")
        assert ask(home, "doctor")[0].data["server"]["running"]
        with pytest.raises(StoreLocked, match="a running server owns the store"):
            rebuild_series(home)
        register = tmp_path / "stations.csv"
        register.write_text("点位编码,点位名称,点位类别,所属区县,经度,纬度\n9,新站,市控,410102,113.65,34.75\n", "utf-8")
        assert ask(home, "import", files=[str(register)])[0].data["new"] == 1
        live = live_server(home)
        assert live is not None
        with httpx.Client(trust_env=False) as client:
            url = f"{live.url}/api/commands/explain"
            assert client.post(url, json={"options": {"ref": "case:1"}}).status_code == 401
            wrong = client.post(url, json={}, headers={"Authorization": "Bearer wrong"})
            assert wrong.status_code == 401
            proxied = {"Authorization": f"Bearer {live.token}", "X-Forwarded-For": "10.1.1.1"}
            assert client.post(url, json={}, headers=proxied).json()["code"] == "not_here"
            mine = {"Authorization": f"Bearer {live.token}"}
            assert client.post(url, json={}, headers=mine).json()["code"] == "input"
            apart = {"options": {"login": "x", "password": PASSWORD}}
            assert client.post(f"{live.url}/api/commands/user.add", json=apart, headers=mine).status_code == 422
            assert client.post(f"{live.url}/api/commands/rebuild", json={}, headers=mine).status_code == 404
    assert live_server(home) is None
    with open_store(home, create=False, threads=1) as store:
        actions = [entry.action for entry in store.ledger.entries()]
        assert {"command.import", "command.backup", "command.explain", "command.assess"} <= set(actions)
        assert "9" in {fact.id for fact in store.records.facts() if isinstance(fact, Station)}
        assert MNS[0] in read_json(home / "devices.json")


def come_in(url: str, login: str, password: str) -> int:
    with httpx.Client(trust_env=False) as client:
        return client.post(f"{url}/api/session", json={"login": login, "password": password}).status_code


def test_accounts_and_bulletins_beside_a_live_server_leave_no_password_anywhere(tmp_path: Path) -> None:
    home = tmp_path / "home"
    settle(home)
    with serving(home):
        live = live_server(home)
        assert live is not None
        terminal = CliRunner(env={"BIHUAN_HOME": str(home)})
        words = ["user", "add", "keeper", "--role", "security_admin", "--password-stdin"]
        assert terminal.invoke(cli, words, input=PASSWORD + "\n", catch_exceptions=False).output == "keeper  keeper\n"
        assert come_in(live.url, "keeper", PASSWORD) == 200, "the server knows the account at once"
        temporary = ask(home, "user.password", login="keeper")[0].words
        assert (come_in(live.url, "keeper", PASSWORD), come_in(live.url, "keeper", temporary)) == (401, 200)
        ask(home, "user.disable", login="keeper")
        assert come_in(live.url, "keeper", temporary) == 401
        ask(home, "user.enable", login="keeper")
        assert come_in(live.url, "keeper", temporary) == 200
        assert ask(home, "user.list")[0].data["roles"] == ["security_admin"]
        with pytest.raises(InputError, match="does not exist"):
            ask(home, "user.unlock", login="nobody")
        with pytest.raises(InputError, match="too simple"):
            weak = {"login": "weak", "roles": ["verifier"]}
            list(run_command(home, "user.add", weak, "zh", {"password": "alllowercase"}))
        ask(home, "import", files=[str(city_file(tmp_path / "day.csv"))])
        words = [
            "report",
            "daily",
            "--date",
            "2019-01-10",
            "--site",
            "city:郑州",
            "--out",
            str(tmp_path / "out"),
            "--json",
        ]
        written = json.loads(terminal.invoke(cli, words, catch_exceptions=False).output)
        assert Path(written["html"]).read_bytes() and Path(written["docx"]).read_bytes()
    with open_store(home, create=False, threads=1) as store:
        entries = store.ledger.entries()
        assert {"command.user.add", "account.add", "account.off", "command.report"} <= {one.action for one in entries}
        told = b"".join(entry.body for entry in entries) + b"".join(row.body for row in store.records.find("account"))
    for secret in (PASSWORD, temporary, "alllowercase"):
        assert secret.encode() not in told
        held = [path for path in home.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
        assert held == [], "no log, no record, no other file"


def test_no_password_can_be_typed_as_an_argument_or_sent_by_an_administrator_of_the_system() -> None:
    assert not {name for parameter in add.params for name in parameter.opts if name == "--password"}
    assert all(one.keeps_accounts for name, one in COMMANDS.items() if name.startswith("user."))

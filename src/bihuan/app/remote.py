"""Commands that meet a live server: they ask it, through the address and the token in `$BIHUAN_HOME/server.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from bihuan.app.commands import COMMANDS, Line, Options, Scene
from bihuan.app.supervision import alive
from bihuan.core import InputError, Language, NotCovered, StoreError, plain
from bihuan.store import Home

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}
"""Address that a server listens on -> where a command of the same machine finds it."""

CONNECT = 5.0
"""How long a server may take to answer the door; the command itself takes as long as it takes. [s]"""


@dataclass(frozen=True, slots=True)
class Live:
    """A server that runs on this machine.

    Attributes
    ----------
    pid : int
    url : str
    token : str
        Of its operator, for this start.
    """

    pid: int
    url: str
    token: str


def live_server(home: Path) -> Live | None:
    """Return the server that owns the store of a home, None when none runs.

    Raises
    ------
    StoreError
        If one runs and this user may not read its token.
    """
    try:
        told = json.loads(Home(home).server.read_bytes())
    except FileNotFoundError:
        return None
    except PermissionError:
        raise StoreError(
            f"a server runs, and {Home(home).server} belongs to another user: run this command as that user"
        ) from None
    except (OSError, ValueError):
        return None
    if not isinstance(told, dict) or not alive(int(told.get("pid", 0))) or not told.get("token"):
        return None
    return Live(int(told["pid"]), _reached(str(told["url"])), str(told["token"]))


def _reached(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return url.replace(host, ANYWHERE[host], 1) if host in ANYWHERE else url


def run_command(
    home: Path, name: str, options: Options, language: Language, secret: Mapping[str, str] | None = None
) -> Iterator[Line]:
    """Run a command through the live server of a home, or here when none runs.

    Parameters
    ----------
    home : Path
    name : str
    options : mapping
    language : Language
    secret : mapping of str to str, optional
        What travels apart from the options, so that neither log nor ledger holds it: a password.

    Raises
    ------
    InputError, NotCovered, StoreError
        As the command does; also what a server refuses.
    """
    live = live_server(home)
    body = {"options": plain(dict(options)), "language": language, "secret": dict(secret or {})}
    answer = _ask(live, name, body) if live else None
    if answer is None:
        yield from COMMANDS[name].run(Scene(home, secret=secret or {}), options, language)
        return
    for line in answer["lines"]:
        yield Line(line["data"], line["words"], line["code"])


def _ask(live: Live, name: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """Return the server's answer; None when it has just gone."""
    timeout = httpx.Timeout(None, connect=CONNECT)
    try:
        with httpx.Client(timeout=timeout, trust_env=False) as client:
            headers = {"Authorization": f"Bearer {live.token}"}
            answer = client.post(f"{live.url}/api/commands/{name}", json=body, headers=headers)
    except httpx.ConnectError:
        return None
    except httpx.HTTPError as problem:
        raise StoreError(f"the server of process {live.pid} did not answer: {problem}; look at its log") from None
    try:
        told = answer.json()
    except ValueError:
        told = {}
    if answer.is_success and isinstance(told, dict):
        return told
    raise _problem(answer.status_code, str(told.get("detail") or answer.text[:200]))


def _problem(status: int, detail: str) -> Exception:
    if status == 404:
        return NotCovered(detail)
    return InputError(detail) if status < 500 else StoreError(detail)

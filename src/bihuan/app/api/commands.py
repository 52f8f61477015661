"""Commands of the terminal, run by the live server over its own store; from this machine only, and audited."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, SecretStr

from bihuan.app.api.beside import beside_of
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheOffice
from bihuan.app.api.operator import TheOperator
from bihuan.app.commands import COMMANDS, Command, Scene
from bihuan.app.opened import lent
from bihuan.core import Language, to_json
from bihuan.store import Entry

router = APIRouter(prefix="/api", tags=["commands"], responses=PROBLEMS)  # type: ignore[arg-type]


class CommandAsked(BaseModel):
    """A command's options, named as its row of `bihuan.app.commands` names them."""

    options: dict[str, Any] = Field(default_factory=dict)
    secret: dict[str, SecretStr] = Field(
        default_factory=dict, max_length=8, description="passwords: neither logged nor in the ledger"
    )
    language: Language = "zh"


class CommandLine(BaseModel):
    """One line of what it says."""

    data: Any = Field(description="for programs")
    words: str = Field(description="for people")
    code: int = Field(description="exit code that it asks for")


class CommandDone(BaseModel):
    """Everything it said."""

    lines: list[CommandLine]
    code: int


@router.post("/commands/{name}", response_class=Response, responses={200: {"model": CommandDone}})
def run_command(name: str, asked: CommandAsked, office: TheOffice, operator: TheOperator) -> Response:
    """Run a command over the store of this server; what it did stands in the ledger."""
    command = COMMANDS.get(name)
    if command is None:
        raise Refused(404, "no_command", f"command {name!r} cannot run beside a server: {', '.join(COMMANDS)} can")
    if (command.touches_files or command.keeps_accounts) and not operator.by_token:
        raise Refused(403, "not_here", f"{name} works on files or accounts of the server: run bihuan {name} on it")
    _hold_apart(name, command, asked)
    office.store.ledger.add(Entry(office.now, operator.actor, f"command.{name}", "", to_json(asked.options)))
    secret = {key: value.get_secret_value() for key, value in asked.secret.items()}
    scene = Scene(office.store.home.path, office.clock, beside_of(office), secret)
    try:
        with lent(office.store):
            lines = list(command.run(scene, asked.options, asked.language))
    except (TypeError, ValueError, AttributeError, KeyError) as problem:  # options are whatever somebody sent
        raise Refused(422, "input", f"the options of {name} cannot be used: {problem}") from problem
    told = [{"data": line.data, "words": line.words, "code": line.code} for line in lines]
    body = to_json({"lines": told, "code": max((line.code for line in lines), default=0)})
    return Response(body, media_type="application/json")


def _hold_apart(name: str, command: Command, asked: CommandAsked) -> None:
    """Keep passwords out of the options, which are audited, before anything is written down."""
    loose = sorted(command.secret & asked.options.keys())
    strange = sorted(asked.secret.keys() - command.secret)
    if loose or strange:
        told = f"{name} takes {', '.join(sorted(command.secret)) or 'nothing'} in the field secret, and there alone"
        raise Refused(422, "input", told, [*(f"options.{one}" for one in loose), *(f"secret.{one}" for one in strange)])

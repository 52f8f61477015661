"""Commands of the terminal, run by the live server over its own store; from this machine only, and audited."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

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
    if command.touches_files and not operator.by_token:
        raise Refused(403, "not_here", f"{name} reads or writes files of the server: run bihuan {name} on it")
    office.store.ledger.add(Entry(office.now, operator.actor, f"command.{name}", "", _audited(command, asked)))
    scene = Scene(office.store.home.path, office.clock, beside_of(office))
    try:
        with lent(office.store):
            lines = list(command.run(scene, asked.options, asked.language))
    except (TypeError, ValueError, AttributeError, KeyError) as problem:  # options are whatever somebody sent
        raise Refused(422, "input", f"the options of {name} cannot be used: {problem}") from problem
    told = [{"data": line.data, "words": line.words, "code": line.code} for line in lines]
    body = to_json({"lines": told, "code": max((line.code for line in lines), default=0)})
    return Response(body, media_type="application/json")


def _audited(command: Command, asked: CommandAsked) -> bytes:
    return to_json({name: "" if name in command.secret else value for name, value in asked.options.items()})

"""Orders to devices (反控) on the page of a logger: which there are, asking, what came of them; and its cipher key."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from bihuan.app.access import Session
from bihuan.app.api.device_lines import seen_device
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.app.gateway import write_devices
from bihuan.app.linecare import key_ages
from bihuan.app.ordering import Order, orders_of, place_first_orders, place_order
from bihuan.core import Language, NotCovered, Ref, SettingError, text
from bihuan.devices.hj212 import MINUTES, Command, command_of, commands, key_bytes
from bihuan.register import Device

router = APIRouter(prefix="/api/devices", tags=["devices"], responses=PROBLEMS)  # type: ignore[arg-type]

Reader = Annotated[Session, needs("device.read")]
Commander = Annotated[Session, needs("device.command")]
Controller = Annotated[Session, needs("device.control")]

FIRST = "first_connection"
"""The orders of HJ 212-2017 clause 6.7, one after the other."""

Protocol = Literal["hj212-2025", "hj212-2017", "hj212-2005"]


class OrderAsked(BaseModel):
    """An order to a device."""

    command: str = Field(max_length=40, description="code of one of the commands, or first_connection")
    arguments: dict[str, str] = Field(default_factory=dict, max_length=8)
    reason: str = Field(min_length=1, max_length=500)


class ArgumentChoice(BaseModel):
    """A value that an argument may have."""

    code: str
    words: str


class Argument(BaseModel):
    """What an order takes."""

    name: str
    words: str
    required: bool
    choices: list[ArgumentChoice] = Field(description="all that it may be; empty where it is free")


class GivenArgument(BaseModel):
    """What an order was given."""

    name: str
    words: str
    value: str = Field(description="instants in UTC, secrets masked")


class CommandLine(BaseModel):
    """One order that this device can be given."""

    code: str
    words: str
    cn: str
    clause: str
    risky: bool
    doubtful: bool = Field(description="known from one source only")
    allowed: bool = Field(description="the session may give it")
    arguments: list[Argument]


class Answer(BaseModel):
    """One thing that a device answered."""

    name: str
    value: str


class OrderLine(BaseModel):
    """One order and what came of it."""

    id: str
    command: str
    words: str
    arguments: list[GivenArgument]
    by: str
    reason: str
    asked: datetime
    sent: datetime | None
    ended: datetime | None
    state: str
    state_words: str
    result: str = Field(description="words of QnRtn or ExeRtn, empty while there is none")
    attempts: int
    frames: int
    answer: list[Answer]
    evidence: list[str] = Field(description="ids of the frames of the answers")


class OrderList(BaseModel):
    """What a device can be asked, and what it was."""

    mn: str
    protocol: str
    cipher: Literal["none", "set", "changing"]
    key_ends: datetime | None = Field(
        description="when the key should have been changed (HJ 212-2025 6.4.3, unconfirmed)"
    )
    key_state: str = Field(description="fresh, near or over; empty without a key")
    commands: list[CommandLine]
    orders: list[OrderLine]


class OrdersPlaced(BaseModel):
    """Orders that were written down."""

    orders: list[OrderLine]


class LineAsked(BaseModel):
    """How a device speaks."""

    protocol: Protocol
    cipher_key: str | None = Field(
        default=None, max_length=32, description="16 characters or 32 hexadecimal digits; empty: none; null: as it is"
    )
    reason: str = Field(min_length=1, max_length=500)


class LineDone(BaseModel):
    """How a device speaks now; its key is never told."""

    mn: str
    protocol: str
    cipher: Literal["none", "set", "changing"]


@router.get("/{mn}/orders")
def device_orders(mn: str, office: TheOffice, session: Reader, language: TheLanguage) -> OrderList:
    """List the orders a device can be given, and those it was given, the newest first."""
    device = _device(mn, session, office)
    age = key_ages(office.store, [device], office.now).get(mn)
    return OrderList(
        mn=mn,
        protocol=device.protocol,
        cipher=_cipher(device),
        key_ends=age.ends if age else None,
        key_state=age.state if age else "",
        commands=[
            _command(command_of(one.code, device.protocol), session, language)
            for one in (commands().values() if device.protocol.startswith("hj212-") else ())
            if not one.protocols or device.protocol in one.protocols
        ],
        orders=[_line(one, office, session, language) for one in orders_of(office.store, mn)],
    )


@router.post("/{mn}/orders")
def device_order(
    mn: str, asked: OrderAsked, office: TheOffice, session: Commander, language: TheLanguage
) -> OrdersPlaced:
    """Give a device an order that changes nothing of how it measures."""
    return _placed(mn, asked, office, session, language, risky=False)


@router.post("/{mn}/controls")
def device_control(
    mn: str, asked: OrderAsked, office: TheOffice, session: Controller, language: TheLanguage
) -> OrdersPlaced:
    """Give a device an order that changes how it measures or who may speak to it: calibration, parameters, keys."""
    return _placed(mn, asked, office, session, language, risky=True)


@router.put("/{mn}/line")
def device_line(mn: str, asked: LineAsked, office: TheOffice, session: Controller) -> LineDone:
    """Set version and cipher key of a device as they stand at the device; the ledger names no key."""
    device = _device(mn, session, office)
    key = device.cipher_key if asked.cipher_key is None else asked.cipher_key
    hold_key(key)
    old = (device.cipher_key,) if device.cipher_key and device.cipher_key != key else ()
    row = replace(device, protocol=asked.protocol, cipher_key=key, cipher_keys_old=(*old, *device.cipher_keys_old))
    store = office.store
    with store.step:
        with store.records.transaction():
            store.records.save_facts([row])
            body = {"protocol": row.protocol, "cipher": _cipher(row), "reason": asked.reason}
            office.audit(session, "device_line", f"device:{mn}", body)
        register = store.records.register()
        office.loop.renew_register(register)
        write_devices(store.home.devices, register, office.today)
    with office.lines.mutex:
        office.lines.forget_reasons(mn)
    office.live.tell("device", id=mn)
    return LineDone(mn=mn, protocol=row.protocol, cipher=_cipher(row))


def hold_key(key: str) -> None:
    """Refuse what is no cipher key; the key itself is not repeated."""
    try:
        if key:
            key_bytes(key)
    except SettingError as problem:
        raise Refused(422, "cipher_key", str(problem), ["cipher_key"]) from None


def _placed(
    mn: str, asked: OrderAsked, office: Office, session: Session, language: Language, *, risky: bool
) -> OrdersPlaced:
    device = _device(mn, session, office)
    chosen = commands().get(asked.command)
    if chosen is not None and chosen.risky != risky:
        where = "controls" if chosen.risky else "orders"
        raise Refused(422, "order_door", f"order {asked.command} is given at /api/devices/{{mn}}/{where}", ["command"])
    who = session.person.id
    if asked.command == FIRST and not risky:
        made = place_first_orders(office.store, device, who, asked.reason, office.now)
    else:
        given = (mn, asked.command, asked.arguments, who, asked.reason, office.now)
        made = [place_order(office.store, *given, known=device)]
    office.live.tell("device", id=mn)
    return OrdersPlaced(orders=[_line(one, office, session, language) for one in made])


def _device(mn: str, session: Session, office: Office) -> Device:
    device = seen_device(mn, session, office)
    if device is None:
        raise Refused(404, "no_device", f"device {mn!r} is not in the register: claim or import it first")
    return device


def _cipher(device: Device) -> Literal["none", "set", "changing"]:
    if device.cipher_key_next:
        return "changing"
    return "set" if device.cipher_key else "none"


def _command(one: Command, session: Session, language: Language) -> CommandLine:
    return CommandLine(
        code=one.code,
        words=text(f"order.{one.code}", language),
        cn=one.cn,
        clause=one.clause,
        risky=one.risky,
        doubtful=one.status != "confirmed",
        allowed=session.may("device.control" if one.risky else "device.command"),
        arguments=[
            Argument(
                name=name,
                words=text(f"order.arg_{name}", language),
                required=name in one.required,
                choices=_choices(name, language),
            )
            for name in (*one.required, *one.optional)
        ],
    )


def _choices(name: str, language: Language) -> list[ArgumentChoice]:
    if name == "minutes":
        return [ArgumentChoice(code=str(one), words=str(one)) for one in MINUTES]
    if name == "calibration":
        return [ArgumentChoice(code=code, words=text(f"order.calibration_{code}", language)) for code in ("0", "1")]
    return []


def _line(order: Order, office: Office, session: Session, language: Language) -> OrderLine:
    return OrderLine(
        id=order.id,
        command=order.command,
        words=text(f"order.{order.command}", language),
        arguments=[
            GivenArgument(name=name, words=_known(f"arg_{name}", language) or name, value=value)
            for name, value in order.arguments.items()
        ],
        by=_who(order.person, office, language) if session.may("device.command") else "",
        reason=order.reason,
        asked=order.asked,
        sent=order.sent,
        ended=order.ended,
        state=order.state,
        state_words=text(f"order.state_{order.state}", language),
        result=_result(order, language),
        attempts=order.attempts,
        frames=order.frames,
        answer=[Answer(name=name, value=value) for name, value in order.answer.items()],
        evidence=list(order.evidence),
    )


def _result(order: Order, language: Language) -> str:
    if order.executed is not None:
        return _known(f"exe_{order.executed}", language) or f"ExeRtn={order.executed}"
    if order.returned is not None:
        return _known(f"qn_{order.returned}", language) or f"QnRtn={order.returned}"
    return ""


def _who(person: str, office: Office, language: Language) -> str:
    if person.startswith("system:"):
        return text("role.system", language)
    return text("order.by_operator", language) if person == "operator" else office.name(Ref("person", person), language)


def _known(key: str, language: Language) -> str:
    try:
        return text(f"order.{key}", language)
    except NotCovered:
        return ""

"""Targets of forwarding (转发): records with a ledger row for every change, and the plan the process works by."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from bihuan.app.gateway.forward_again import SENT, ask_again, asked_again, rows_of
from bihuan.app.gateway.forward_frames import VERSIONS, check_units
from bihuan.app.gateway.forward_plan import Mode, Peer, TargetPlan, write_plan
from bihuan.app.gateway.forwarder import read_forward_status
from bihuan.core import InputError, NotCovered, SettingError, from_json, pollutants, to_json
from bihuan.register import Device, Register
from bihuan.store import Entry, Home, Row, Store

ACTIVE, PAUSED, ENDED = "active", "paused", "ended"

KINDS = ("2011", "2051", "2061", "2031")
"""Commands that are forwarded unless told otherwise: real-time, minute, hour and day data."""

_ID = re.compile(r"[a-z][a-z0-9-]{0,31}")
_WORD = re.compile(r"[^;,&\s]{0,32}")
_KIND = re.compile(r"\d{4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A host of a province or ministry, as a record; fields as in `TargetPlan`.

    Attributes
    ----------
    devices : dict of str to str
        Our MN -> its MN there, empty for the same. An empty mapping forwards every logger of the register.
    password : str
        PW there for every logger; empty for the one each frame carries.
    passwords : dict of str to str
        PW there by our MN, before `password`.
    since : datetime
        From when on; a new target begins with now unless told otherwise.
    until : datetime or None
    """

    id: str
    name: str
    host: str
    port: int
    since: datetime
    until: datetime | None = None
    mode: Mode = "rewritten"
    protocol: str = "hj212-2017"
    devices: dict[str, str] = field(default_factory=dict)
    password: str = ""
    passwords: dict[str, str] = field(default_factory=dict)
    kinds: tuple[str, ...] = KINDS
    factors: tuple[str, ...] = ()
    units: dict[str, str] = field(default_factory=dict)
    window: int = 32
    timeout: float = 10.0
    refusals: int = 10
    tls: bool = False
    tls_ca: str = ""
    tls_name: str = ""
    paused: bool = False

    def state(self, now: datetime) -> str:
        """Return ``active``, ``paused`` or ``ended``."""
        if self.until is not None and self.until <= now:
            return ENDED
        return PAUSED if self.paused else ACTIVE

    def told(self) -> dict[str, Any]:
        """Return everything but the passwords, as plain values: for pages and the ledger."""
        body: dict[str, Any] = from_json(to_json(self), dict)
        body["password"] = bool(self.password)
        body["passwords"] = sorted(self.passwords)
        return body


def targets_of(store: Store) -> list[Target]:
    """Return every target, by id."""
    return sorted((from_json(row.body, Target) for row in store.records.find("target")), key=lambda one: one.id)


def target_of(store: Store, ident: str) -> Target:
    """Return a target.

    Raises
    ------
    NotCovered
        If there is none of this id.
    """
    row = store.records.get("target", ident)
    if row is None:
        known = ", ".join(one.id for one in targets_of(store)) or "none"
        raise NotCovered(f"target {ident!r} is not known; known: {known}. Add it with bihuan forward add")
    return from_json(row.body, Target)


def save_target(store: Store, target: Target, who: str | tuple[str, str], now: datetime, *, new: bool) -> Target:
    """Add or change a target, with its row in the ledger, in one commit.

    Parameters
    ----------
    who : str or (str, str)
        Id of the person, and why.
    new : bool
        Whether none of this id may be there.

    Raises
    ------
    InputError, SettingError
        If it cannot be: says what is allowed.
    NotCovered
        If one is to be changed that is not there.
    """
    check_target(target)
    register = store.records.register()
    check_units(plan_of(target, register, now.date()))
    before = store.records.get("target", target.id)
    if new and before is not None:
        raise InputError(f"target {target.id} is there already: change it, or take another id")
    if not new:
        kept = target_of(store, target.id)
        if kept.since != target.since and kept.since < now:
            raise InputError(
                f"target {target.id} has begun on {kept.since:%Y-%m-%dT%H:%MZ}: to begin elsewhere, add a new one"
            )
    actor, reason = (who, "") if isinstance(who, str) else who
    body: dict[str, Any] = {"before": from_json(before.body, Target).told() if before else None, "after": target.told()}
    if reason:
        body["reason"] = reason
    with store.records.transaction():
        row = Row(target.id, to_json(target), f"target:{target.id}", target.state(now), "", target.since, target.until)
        store.records.save("target", [row])
        action = "forward.add" if new else "forward.change"
        store.ledger.add(Entry(now, actor, action, f"target:{target.id}", to_json(body)))
    if new:  # one of the same name that was removed has left its place behind
        shutil.rmtree(folder_of(store.home, target.id), ignore_errors=True)
    return target


def pause_target(store: Store, ident: str, paused: bool, actor: str, now: datetime) -> Target:
    """Let a target rest, keeping its place, or go on from it.

    Raises
    ------
    NotCovered
    """
    target = replace(target_of(store, ident), paused=paused)
    with store.records.transaction():
        row = Row(target.id, to_json(target), f"target:{target.id}", target.state(now), "", target.since, target.until)
        store.records.save("target", [row])
        action = "forward.pause" if paused else "forward.resume"
        store.ledger.add(Entry(now, actor, action, f"target:{ident}", to_json({})))
    return target


def check_target(target: Target) -> None:
    """See that a target can be.

    Raises
    ------
    InputError
        Says what is wrong and what is allowed.
    """
    if not _ID.fullmatch(target.id):
        raise InputError(f"target id {target.id!r} cannot be used: a lower letter, then up to 31 of a-z, 0-9 and -")
    if not target.host or not 0 < target.port < 65536:
        raise InputError(f"target {target.id}: address {target.host!r}:{target.port} cannot be; give host and port")
    if target.protocol not in VERSIONS:
        raise InputError(f"target {target.id}: protocol {target.protocol!r} is none of {', '.join(VERSIONS)}")
    if target.until is not None and target.until <= target.since:
        raise InputError(f"target {target.id} would end before it begins")
    if not 1 <= target.window <= 1024 or not 1 <= target.timeout <= 600 or not 1 <= target.refusals <= 1000:
        raise InputError(f"target {target.id}: window is 1-1024, timeout 1-600 s, refusals 1-1000")
    strange = [kind for kind in target.kinds if not _KIND.fullmatch(kind)]
    if strange or not target.kinds:
        raise InputError(f"target {target.id}: kinds {list(target.kinds)} must be commands of four digits, like 2051")
    unknown = sorted({*target.factors, *target.units} - set(pollutants()))
    if unknown:
        raise InputError(f"target {target.id}: factors {', '.join(unknown)} are not in core/pollutants.toml")
    words = [target.password, *target.passwords.values(), *target.devices, *target.devices.values()]
    if not all(_WORD.fullmatch(word) for word in words):
        raise InputError(f"target {target.id}: MN and PW have at most 32 characters, and none of ; , & or blank")
    _check_mode(target)


def _check_mode(target: Target) -> None:
    rewriting = [
        name
        for name, given in (
            ("mn", any(there and there != mn for mn, there in target.devices.items())),
            ("password", bool(target.password or target.passwords)),
            ("factors", bool(target.factors)),
            ("units", bool(target.units)),
        )
        if given
    ]
    if target.mode == "raw" and rewriting:
        raise InputError(
            f"target {target.id} gets original bytes (raw), so {', '.join(rewriting)} cannot be changed on the way: "
            "take mode rewritten, or leave them out"
        )
    there = [name or mn for mn, name in target.devices.items()]
    twice = sorted({name for name in there if there.count(name) > 1})
    if twice:
        raise InputError(f"target {target.id}: two loggers would be {', '.join(twice)} there; give each its own MN")


def plan_of(target: Target, register: Register, on: date) -> TargetPlan:
    """Return what the process needs of a target: with every logger of the register that is for it."""
    peers = {}
    for device in register.all(Device, on):
        if target.devices and device.id not in target.devices:
            continue
        peers[device.id] = Peer(
            mn=target.devices.get(device.id) or device.id,
            password=target.passwords.get(device.id) or target.password,
            units=dict(device.units),
            kind="outlet" if device.site.startswith("outlet:") else "environment",
        )
    return TargetPlan(
        id=target.id,
        name=target.name,
        host=target.host,
        port=target.port,
        devices=peers,
        since=target.since,
        until=target.until,
        mode=target.mode,
        protocol=target.protocol,
        kinds=target.kinds,
        factors=target.factors,
        units=target.units,
        window=target.window,
        timeout=target.timeout,
        refusals=target.refusals,
        tls=target.tls,
        tls_ca=target.tls_ca,
        tls_name=target.tls_name,
        paused=target.paused,
    )


def renew_plan(store: Store, register: Register, on: date, zone: str) -> bool:
    """Write the plan anew where register or targets changed; say whether anything is to be forwarded.

    A target that has ended stays in the plan until what was received before its end is answered.
    """
    targets = targets_of(store)
    if targets or (store.home.path / "forward").exists():
        write_plan(store.home.path, zone, [plan_of(target, register, on) for target in targets])
    return bool(targets)


def describe(store: Store, now: datetime) -> list[dict[str, Any]]:
    """Return every target with how it stands, as plain values and without passwords."""
    status = read_forward_status(store.home.path)
    running = bool(status.get("pid"))
    return [
        target.told()
        | {"is": target.state(now), "running": running, "status": status.get("targets", {}).get(target.id)}
        for target in targets_of(store)
    ]


def folder_of(home: Home, ident: str) -> Path:
    """Folder in which the forwarding process keeps the place of a target."""
    return home.path / "forward" / ident


def aside_of(home: Home, ident: str, last: int = 100) -> list[dict[str, Any]]:
    """Return the frames that a target refused for good, the latest first, each once; ``again``: is to be sent again."""
    folder = folder_of(home, ident)
    rows: dict[str, dict[str, Any]] = {}
    for row in rows_of(folder):
        rows.pop(str(row.get("frame")), None)
        rows[str(row.get("frame"))] = row
    again = asked_again(folder)
    kept = [row | {"again": frame in again} for frame, row in rows.items() if row.get("why") != SENT]
    return kept[::-1][:last]


def retry_aside(
    store: Store, ident: str, frames: Sequence[str] | None, who: tuple[str, str], now: datetime
) -> list[str]:
    """Have frames that were set aside sent once more, with a row in the ledger; return those that were asked for.

    Parameters
    ----------
    store : Store
    ident : str
    frames : sequence of str or None
        Their ids in the journal; None for all.
    who : (str, str)
        Id of the person, and why.
    now : datetime

    Raises
    ------
    NotCovered
        If there is no such target.
    InputError
        If the reason is missing, or a frame was not set aside.
    """
    target_of(store, ident)
    person, reason = who[0], who[1].strip()
    if not reason:
        raise InputError(f"frames of target {ident} are sent again only with a reason: say what was settled with it")
    known = [str(row["frame"]) for row in aside_of(store.home, ident, last=10_000)]
    wanted = known if frames is None else list(frames)
    strange = sorted(set(wanted) - set(known))
    if strange:
        raise InputError(f"frame {strange[0]!r} is not among those that target {ident} has set aside: list them first")
    with store.records.transaction():
        body = {"frames": len(wanted), "first": wanted[:20], "all": frames is None, "reason": reason}
        store.ledger.add(Entry(now, person, "forward.retry", f"target:{ident}", to_json(body)))
        return ask_again(folder_of(store.home, ident), wanted, now)


def remove_target(store: Store, ident: str, who: tuple[str, str], now: datetime) -> Target:
    """Take a target away for good, with its row in the ledger; only one that rests or has ended.

    Raises
    ------
    NotCovered
        If there is no such target.
    InputError
        If it is active, or the reason is missing.
    """
    target = target_of(store, ident)
    if target.state(now) == ACTIVE:
        raise InputError(f"target {ident} is active: pause it first, then remove it")
    person, reason = who[0], who[1].strip()
    if not reason:
        raise InputError(f"target {ident} is removed only with a reason")
    with store.records.transaction():
        store.records.remove("target", [ident])
        body = {"before": target.told(), "reason": reason}
        store.ledger.add(Entry(now, person, "forward.remove", f"target:{ident}", to_json(body)))
    return target


def parse_pairs(words: Sequence[str], option: str) -> dict[str, str]:
    """Return ``OURS=THEIRS`` words of an option as a mapping; a word alone maps to nothing.

    Raises
    ------
    SettingError
        If a key stands twice.
    """
    found: dict[str, str] = {}
    for word in words:
        key, _, value = word.partition("=")
        if not key or key in found:
            raise SettingError(f"{option} {word!r}: give each once, as KEY=VALUE")
        found[key] = value
    return found

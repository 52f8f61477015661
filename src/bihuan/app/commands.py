"""Commands by name: the same functions for the terminal alone and for a server that runs them over its own store.

A row takes where it works, its options as plain values and the language, and yields lines: plain values for programs
and words for people. `bihuan.app.remote` sends name and options to a live server, `bihuan.app.api.commands` runs them.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from bihuan.app.access.people import Wanted
from bihuan.app.accountkeeping import ACTS, BY, add_account, change_account, list_accounts
from bihuan.app.assessing import assess
from bihuan.app.clock import Clock, WallClock
from bihuan.app.doctor import examine
from bihuan.app.explain import explain_ref
from bihuan.app.flagging import rerun_flags
from bihuan.app.forwardkeeping import add_target, list_targets, listed, stand_at, stands, switch_target
from bihuan.app.gapkeeping import gaps_of
from bihuan.app.importing import Beside, import_files
from bihuan.app.journalkeeping import keep_for, may_go, prune_journal, retention
from bihuan.app.netlines import network_lines
from bihuan.app.opened import opened
from bihuan.app.ordering import place_order
from bihuan.app.replay import WHAT_IF, replay_stored
from bihuan.app.settings import read_settings
from bihuan.app.tracewords import ranking_plain, ranking_words
from bihuan.app.tracing import ranking_of, trace_stored
from bihuan.app.upkeep import note_backup
from bihuan.core import InputError, Language, local_date, parse_instant, plain, text
from bihuan.store import Manifest, backup

FINDING = 1
BAD_INPUT = 2

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of what a command says.

    Attributes
    ----------
    data : Any
        Plain values.
    words : str
    code : int
        Exit code that it asks for; the highest of all lines counts.
    """

    data: Any
    words: str
    code: int = 0


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a command works.

    Attributes
    ----------
    home : Path
    clock : Clock
    beside : Beside or None
        The loop of this process, when a server runs the command.
    secret : mapping of str to str
        What no log, no ledger and no list of processes may hold: a password.
    """

    home: Path
    clock: Clock = field(default_factory=WallClock)
    beside: Beside | None = None
    secret: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes
    ----------
    run : callable
    touches_files : bool
        Whether options name files of this machine: only who may read the operator's token may then ask a server for it.
    keeps_accounts : bool
        Whether it makes or changes accounts, or speaks to devices: the same holds, or who runs the machine would keep
        the accounts as well.
    secret : frozenset of str
        Names that come in `Scene.secret`, never as options.
    """

    run: Callable[[Scene, Options, Language], Iterator[Line]]
    touches_files: bool = False
    keeps_accounts: bool = False
    secret: frozenset[str] = frozenset()


def instant_of(options: Options, name: str) -> datetime | None:
    """Return an option that is an instant; in between it travelled as text."""
    value = options.get(name)
    return parse_instant(value) if isinstance(value, str) else value


def needed_option(options: Options, name: str) -> str:
    """Return an option that must be there.

    Raises
    ------
    InputError
    """
    value = options.get(name)
    if not isinstance(value, str) or not value:
        raise InputError(f"option {name} is missing: give it as text")
    return value


def _explain(scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    chain = explain_ref(scene.home, needed_option(options, "ref"))
    yield Line(chain.as_dict(), chain.words(language))


def _import(scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    files = [Path(name) for name in options.get("files", ())]
    clock = scene.clock if scene.beside else None
    layout, device = options.get("layout"), str(options.get("device") or "")
    for report in import_files(scene.home, files, layout, clock=clock, beside=scene.beside, device=device):
        code = BAD_INPUT if report.failed else FINDING if report.errors else 0
        yield Line(report.as_dict(), report.words(language), code)


def _replay(scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    plans = options.get("what_if") or WHAT_IF
    index, site = options.get("index", "published"), options.get("site")
    if index not in ("published", "own"):
        raise InputError(f"index {index!r} is not known: published or own")
    start, end = instant_of(options, "start"), instant_of(options, "end")
    rules = bool(options.get("rules", True))
    for line in replay_stored(scene.home, start, end, site, what_if=plans, index=index, rules=rules):
        yield Line(line.as_dict(language), line.words(language))


def _flags(scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    start, end = instant_of(options, "start"), instant_of(options, "end")
    dry, drift = bool(options.get("dry_run")), bool(options.get("drift"))
    for found in rerun_flags(scene.home, start, end, options.get("site"), dry_run=dry, drift=drift):
        yield Line(found.as_dict(), found.words(language))


def _assess(scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    by = options.get("by", "month")
    if by not in ("month", "quarter", "year"):
        raise InputError(f"statistics by {by!r} are not known: month, quarter or year")
    found = assess(
        scene.home,
        needed_option(options, "medium"),
        site=options.get("site"),
        start=instant_of(options, "start"),
        end=instant_of(options, "end"),
        by=by,
        targets=options.get("targets") or {},
        language=language,
    )
    console = Console(file=io.StringIO(), width=int(options.get("width", 100)))
    with console.capture() as said:
        for table in found.tables(language):
            console.print(table)
    yield Line(found.as_dict(), said.get().rstrip("\n"))


def _trace(scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    start, end = instant_of(options, "start"), instant_of(options, "end")
    if options.get("event"):
        found = ranking_of(scene.home, options["event"])
    elif start is not None and end is not None and options.get("station"):
        found = trace_stored(scene.home, start, end, options["station"], options.get("pollutant", "pm25"))
    else:
        raise InputError("give event, or start, end and station together")
    yield Line(ranking_plain(found), ranking_words(found, language))


def _sector(scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    from bihuan.app.sector_commands import sector_stored  # noqa: PLC0415  # its libraries: no other command shall wait

    for found, words in sector_stored(scene.home, options, scene.clock.now(), language):
        yield Line(found, words)


def _network(scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    data, words = network_lines(scene.home, options, language, scene.clock)
    yield Line(data, words)


def _gaps(scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    device, states = options.get("device"), options.get("states") or ("open", "recalled")
    zone = read_settings(scene.home).zone
    with opened(scene.home) as store:
        found = gaps_of(store.records, [device] if device else None, states=states)
    if not found:
        yield Line({"gaps": 0}, text("watch.cli_none", language))
    for gap in found:
        words = text(
            "watch.cli_gap",
            language,
            device=gap.device,
            interval=text(f"onboarding.{gap.interval}", language),
            start=f"{gap.start.astimezone(zone):%Y-%m-%d %H:%M}",
            end=f"{gap.end.astimezone(zone):%Y-%m-%d %H:%M}",
            state=text(f"watch.state_{gap.state}", language),
            missing=gap.missing,
            lost=gap.lost,
            asked=len(gap.asked),
        )
        yield Line(plain(gap), words)


def _order(scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    if scene.beside is None:
        raise InputError("no server runs here: orders go out through the gateways of a running server, bihuan serve")
    device, command = needed_option(options, "device"), needed_option(options, "command")
    given = {str(name): str(value) for name, value in dict(options.get("arguments") or {}).items()}
    reason = needed_option(options, "reason")
    with opened(scene.home) as store:
        order = place_order(store, device, command, given | dict(scene.secret), "operator", reason, scene.clock.now())
    words = text(f"order.{command}", language)
    state = text(f"order.state_{order.state}", language)
    yield Line(plain(order), text("order.placed", language, id=order.id, device=device, words=words, state=state))


def _keep_journal(scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    now = scene.clock.now()
    with opened(scene.home) as store:
        on = local_date(now, read_settings(scene.home).zone)
        kept = keep_for(store, int(options.get("years", 0)), BY, needed_option(options, "reason"), now, on)
    told = plain(kept)
    yield Line(told, text("journal.kept", language, **told))


def _prune_journal(scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    now, before = scene.clock.now(), instant_of(options, "before")
    with opened(scene.home) as store:
        on = local_date(now, read_settings(scene.home).zone)
        kept = retention(store, on)
        if options.get("dry_run"):
            old = may_go(store, min(before or kept.before(now), kept.before(now)))
        else:
            old = prune_journal(store, BY, now, on, before)
    told = {"years": kept.years, "floor": kept.floor, "segments": [plain(one) for one in old]}
    key = "journal.would_go" if options.get("dry_run") else "journal.gone"
    size = sum(one.size for one in old)
    yield Line(told, text(key, language, count=len(old), size=size, years=kept.years, floor=kept.floor))


def _backup(scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    target = Path(needed_option(options, "target"))
    with opened(scene.home) as store:
        at = scene.clock.now()
        manifest = backup(store, target, at)
        note_backup(store.records, at)
    yield manifest_line(manifest, target)


def manifest_line(manifest: Manifest, where: Path) -> Line:
    """Say what a backup holds."""
    rows = ", ".join(f"{name} {count}" for name, count in manifest.counts.items())
    size = sum(entry.size for entry in manifest.files.values())
    words = f"{where}: {len(manifest.files)} files, {size} bytes, {rows}, of {manifest.at}"
    return Line(plain(manifest) | {"where": str(where)}, words)


def _doctor(scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    report = examine(scene.home, scene.clock)
    yield Line(report.as_dict(), report.words(language), 0 if report.healthy else FINDING)


def _report(scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    from bihuan.app.reporting import report_daily  # noqa: PLC0415  # draws charts: no other command shall wait for it

    try:
        day = date.fromisoformat(needed_option(options, "day"))
    except ValueError:
        raise InputError(f"date {options['day']!r} cannot be read: write 2019-02-06") from None
    found = report_daily(
        scene.home,
        day,
        Path(needed_option(options, "out")),
        site=options.get("site"),
        language=language,
        targets=options.get("targets") or {},
        clock=scene.clock,
    )
    yield Line(plain(found), f"{found.html}\n{found.docx}")


def _report_trace(scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    from bihuan.app.dossier import report_trace  # noqa: PLC0415  # draws charts as well

    event, out = needed_option(options, "event"), Path(needed_option(options, "out"))
    found = report_trace(scene.home, event, out, language=language, clock=scene.clock)
    yield Line(plain(found), f"{found.html}\n{found.docx}")


def _add_account(scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    named = {name: str(options.get(name) or "") for name in ("person", "name", "unit", "district")}
    roles = tuple(str(role) for role in options.get("roles", ()))
    login, password = needed_option(options, "login"), scene.secret.get("password", "")
    wanted = Wanted(login=login, roles=roles, password=password, **named)
    account, made = add_account(scene.home, wanted, scene.clock, scene.beside)
    told = {"login": account.login, "person": account.person, "password": made or None}
    yield Line(told, "  ".join(filter(None, (account.login, account.person, made))))


def _list_accounts(scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    for row in list_accounts(scene.home, scene.clock):
        yield Line(row, "  ".join(str(value) for value in row.values()))


def _change_account(act: str, scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    login = needed_option(options, "login")
    made = change_account(scene.home, login, act, scene.clock)
    if made:
        yield Line({"login": login, "password": made}, made)


def _add_target(scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    told = add_target(scene.home, options, scene.secret.get("password", ""), scene.clock)
    yield Line(told, f"{told['id']}  {told['host']}:{told['port']}")


def _list_targets(scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    for row in list_targets(scene.home, scene.clock):
        yield Line(row, listed(row))


def _switch_target(paused: bool, scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    told = switch_target(scene.home, needed_option(options, "target"), paused, scene.clock)
    yield Line(told, f"{told['id']}  {'paused' if paused else 'active'}")


def _stand_targets(scene: Scene, options: Options, language: Language) -> Iterator[Line]:
    now = scene.clock.now()
    for row in list_targets(scene.home, scene.clock):
        yield Line(stand_at(row, now), stands(row, now))


COMMANDS: dict[str, Command] = {
    "assess": Command(_assess),
    "backup": Command(_backup, touches_files=True),
    "doctor": Command(_doctor),
    "explain": Command(_explain),
    "forward.add": Command(_add_target, touches_files=True, secret=frozenset({"password"})),
    "forward.list": Command(_list_targets),
    "forward.pause": Command(partial(_switch_target, True)),
    "forward.resume": Command(partial(_switch_target, False)),
    "forward.status": Command(_stand_targets),
    "gaps": Command(_gaps),
    "order": Command(_order, keeps_accounts=True, secret=frozenset({"password", "key"})),
    "journal.keep": Command(_keep_journal, touches_files=True),
    "journal.prune": Command(_prune_journal, touches_files=True),
    "flags": Command(_flags),
    "network": Command(_network, touches_files=True),
    "import": Command(_import, touches_files=True),
    "replay": Command(_replay),
    "report": Command(_report, touches_files=True),
    "report.trace": Command(_report_trace, touches_files=True),
    "sector": Command(_sector, touches_files=True),
    "trace": Command(_trace),
    "user.add": Command(_add_account, keeps_accounts=True, secret=frozenset({"password"})),
    "user.list": Command(_list_accounts, keeps_accounts=True),
    **{f"user.{act}": Command(partial(_change_account, act), keeps_accounts=True) for act in ACTS},
}
"""Every command that a live server can run; the others refuse beside one."""

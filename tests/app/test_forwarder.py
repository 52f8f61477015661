"""The forwarding process over real lines: lines that break, hosts that refuse, kill -9, a full disk, TLS, its plan."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bihuan.app.clock import WallClock
from bihuan.app.gateway.forward_plan import TargetPlan, write_plan
from bihuan.app.gateway.forwarder import Forwarder, read_forward_status
from bihuan.devices.hj212 import acknowledgement
from tests.app.forwards import T0, Host, append, hosting, journal_of, minute_frame, plan, until

MNS = [f"MN{number}" for number in range(4)]


@asynccontextmanager
async def forwarding(home: Path, *targets: TargetPlan) -> AsyncIterator[Forwarder]:
    write_plan(home, "Asia/Shanghai", targets)
    found, ended = Forwarder(home, WallClock(), tick=0.05), asyncio.Event()
    running = asyncio.create_task(found.run(ended))
    try:
        yield found
    finally:
        ended.set()
        await running


def fill(home: Path, count: int, first: int = 0) -> None:
    journal = journal_of(home)
    raws = [minute_frame(mn, number) for number in range(first, first + count) for mn in MNS]
    append(journal, raws, T0 + timedelta(minutes=first))
    journal.close()


def expected(count: int) -> list[str]:
    return [minute_frame("", number)[6:].split(b";")[0].decode().removeprefix("QN=") for number in range(count)]


def told(home: Path, target: str = "province") -> dict[str, object]:
    found: dict[str, object] = read_forward_status(home).get("targets", {}).get(target, {})
    return found


def test_two_targets_get_everything_in_order_and_a_dead_one_holds_up_none(tmp_path: Path) -> None:
    async def run() -> None:
        async with hosting(Host()) as first, hosting(Host()) as second:
            targets = [
                plan(MNS, id="province", port=first.port),
                plan(MNS, id="ministry", port=second.port, mode="rewritten"),
                plan(MNS, id="dead", port=9),
            ]
            fill(tmp_path, 30)
            async with forwarding(tmp_path, *targets):
                await until(lambda: len(first.frames) >= 120 and len(second.frames) >= 120)
                fill(tmp_path, 10, 30)
                await until(lambda: len(first.frames) >= 160 and len(second.frames) >= 160)
                await until(lambda: told(tmp_path, "dead").get("waiting") == 160)
            for host in (first, second):
                assert host.qns == dict.fromkeys(MNS, expected(40))
            assert told(tmp_path, "dead")["state"] == "stopped"
            assert "ConnectionRefusedError" in str(told(tmp_path, "dead")["trouble"])

    asyncio.run(run())


def test_a_line_that_breaks_in_the_middle_repeats_and_loses_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        fill(tmp_path, 60)
        host = Host()
        async with hosting(host) as found:
            port = found.port
            async with forwarding(tmp_path, plan(MNS, port=port)):
                await until(lambda: len(host.frames) > 20)
                cut = len(host.frames)
                # the server of this block goes with all its lines, and another one takes its port
        async with hosting(host, port, reuse_address=True), forwarding(tmp_path, plan(MNS, port=port)):
            await until(lambda: all(len(set(qns)) == 60 for qns in host.qns.values()))
        assert cut < 240
        assert {mn: list(dict.fromkeys(qns)) for mn, qns in host.qns.items()} == dict.fromkeys(MNS, expected(60))

    asyncio.run(run())


def test_a_plan_that_changes_is_followed_while_it_runs(tmp_path: Path) -> None:
    async def run() -> None:
        fill(tmp_path, 5)
        async with hosting(Host()) as host:
            target = plan(MNS, port=host.port, paused=True)
            async with forwarding(tmp_path, target):
                await until(lambda: told(tmp_path).get("state") == "paused")
                assert not host.frames
                write_plan(tmp_path, "Asia/Shanghai", [plan(MNS, port=host.port)])
                await until(lambda: len(host.frames) == 20)
                write_plan(tmp_path, "Asia/Shanghai", [])
                await until(lambda: read_forward_status(tmp_path)["targets"] == {})

    asyncio.run(run())


def test_original_bytes_that_ask_for_no_answer_are_sent_once(tmp_path: Path) -> None:
    async def run() -> None:
        journal = journal_of(tmp_path)
        append(journal, [minute_frame("MN0", number, flag=4) for number in range(20)], T0)
        journal.close()
        async with hosting(Host(lambda head: None)) as host, forwarding(tmp_path, plan(MNS, port=host.port)):
            await until(lambda: dict(told(tmp_path).get("counts", {})).get("unconfirmed") == 20)  # type: ignore[call-overload]
            assert [raw + b"" for raw in host.frames] == [minute_frame("MN0", number, flag=4) for number in range(20)]

    asyncio.run(run())


def test_a_target_with_tls_is_believed_by_its_authority_only(tmp_path: Path) -> None:
    import ssl

    certificate, key = certificate_of(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def run() -> None:
        fill(tmp_path, 5)
        async with hosting(Host(), ssl=context) as host:
            safe = plan(MNS, id="safe", port=host.port, tls=True, tls_ca=str(certificate), tls_name="host.test")
            strange = plan(MNS, id="strange", port=host.port, tls=True, tls_name="host.test")
            async with forwarding(tmp_path, safe, strange):
                await until(lambda: len(host.frames) == 20)
                await until(lambda: "certificate" in str(told(tmp_path, "strange").get("trouble", "")))
            assert host.qns == dict.fromkeys(MNS, expected(5))

    asyncio.run(run())


def certificate_of(folder: Path) -> tuple[Path, Path]:
    """A certificate of one's own making for host.test, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "host.test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("host.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "host.pem", folder / "host.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


class Forwards:
    """The forwarding process of a home, ended with SIGKILL."""

    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bihuan.app.gateway.forwarder", "--home", str(home), "--log-level", "ERROR"],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def kill(self) -> None:
        self.process.kill()
        assert self.process.wait() == -signal.SIGKILL


@pytest.mark.parametrize("rounds", [2, pytest.param(50, marks=pytest.mark.long)])
def test_a_killed_process_repeats_and_skips_nothing(tmp_path: Path, rounds: int) -> None:
    chance = random.Random(rounds)

    async def run() -> None:
        async with hosting(Host(lambda head: acknowledgement(head) if chance.random() < 0.98 else None)) as host:
            write_plan(tmp_path, "Asia/Shanghai", [plan(MNS, port=host.port, timeout=0.2)])
            count = 0
            for _ in range(rounds):
                process = Forwards(tmp_path)
                before = len(host.frames)
                fill(tmp_path, 60, count)
                count += 60
                await until(lambda before=before: len(host.frames) > before, 120.0)  # type: ignore[misc]
                await asyncio.sleep(chance.uniform(0.0, 0.5))
                process.kill()
            async with forwarding(tmp_path, plan(MNS, port=host.port, timeout=0.2)):
                await until(lambda: all(len(set(qns)) == count for qns in host.qns.values()), 240.0)
            for qns in host.qns.values():
                assert list(dict.fromkeys(qns)) == expected(count), "what was not answered is repeated, in its order"

    asyncio.run(run())


def test_a_full_disk_stops_no_forwarding_and_a_broken_place_is_said(tmp_path: Path) -> None:
    async def run() -> None:
        fill(tmp_path, 5)
        place = tmp_path / "forward" / "province" / "place.json"
        place.parent.mkdir(parents=True)
        async with hosting(Host()) as host:
            place.mkdir()  # a folder stands where the file must go: nothing can be written there
            async with forwarding(tmp_path, plan(MNS, port=host.port)):
                await until(lambda: "cannot be read" in str(told(tmp_path).get("trouble", "")))
                assert not host.frames, "nothing is guessed"
                place.rmdir()
                await until(lambda: len(host.frames) == 20)

    asyncio.run(run())

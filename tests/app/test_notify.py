"""Notices go out once through every channel, are tried again, and call nobody whom no setting names."""

import json
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bihuan.app.notify import (
    BACK_OFF,
    MailNotifier,
    Notifications,
    OutboxNotifier,
    Receipt,
    WebhookNotifier,
    notifiers_of,
)
from bihuan.app.notify.adapters import mail_addresses
from bihuan.app.settings import Settings
from bihuan.core import Message, Notice, Ref, SettingError, StoreError, content_id
from bihuan.register import Person, Register

NOW = datetime(2026, 3, 2, 4, 5, tzinfo=UTC)
SETTINGS = {"smtp_host": "127.0.0.1", "smtp_port": 2525, "smtp_sender": "desk@example.org"}


def notice(number: int = 1, to: str = "person:officer") -> Notice:
    words = {"matter": "matter.construction", "state": "case.state_dispatched", "clock": "case.clock_sign"}
    return Notice(
        id=content_id("notice", number),
        kind="urge",
        subject=Ref("case", "c1"),
        to=Ref.parse(to),
        title=Message("case.title_officer", {}, {"matter": "matter.construction"}),
        body=Message("notice.urge", {"id": "c1", "reason": "-"}, words, {"due": NOW}),
        made=NOW,
    )


class SmtpServer(socketserver.ThreadingTCPServer):
    """As much of RFC 5321 as one mail needs; `refuse` answers the recipient with that code."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, refuse: str = "") -> None:
        super().__init__(("127.0.0.1", 0), SmtpHandler)
        self.refuse = refuse
        self.mails: list[bytes] = []


class SmtpHandler(socketserver.StreamRequestHandler):
    server: SmtpServer

    def handle(self) -> None:
        self.say("220 test")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self.say("354 go on")
                self.server.mails.append(b"".join(iter(self.rfile.readline, b".\r\n")))
            if verb == b"RCPT" and self.server.refuse:
                self.say(self.server.refuse)
            elif verb == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")


class HookServer(HTTPServer):
    """Answers with the statuses given, then with 200; keeps what was posted."""

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), HookHandler)
        self.statuses = list(statuses)
        self.posts: list[tuple[str | None, dict[str, object]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class HookHandler(BaseHTTPRequestHandler):
    server: HookServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.posts.append((self.headers["Idempotency-Key"], body))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://example.org/")
        self.end_headers()

    def log_message(self, *words: object) -> None:
        """Keep quiet."""


@pytest.fixture
def serve() -> Iterator[object]:
    started: list[socketserver.BaseServer] = []

    def start(server: socketserver.BaseServer) -> socketserver.BaseServer:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


class Flaky:
    """A channel that fails a number of times."""

    channel = "flaky"

    def __init__(self, failures: int, answer: str = "failed") -> None:
        self.failures, self.answer = failures, answer
        self.sent: list[str] = []

    def send(self, notice: Notice, now: datetime) -> Receipt:
        if self.failures:
            self.failures -= 1
            return Receipt(notice.id, self.channel, self.answer, now, detail="no line")  # type: ignore[arg-type]
        self.sent.append(notice.id)
        return Receipt(notice.id, self.channel, "sent", now)


def test_the_outbox_holds_lines_for_programs_and_words_for_eyes(tmp_path: Path) -> None:
    receipt = OutboxNotifier(tmp_path).send(notice(), NOW)
    assert (receipt.answer, receipt.delivered) == ("sent", True)
    row = json.loads((tmp_path / "outbox.jsonl").read_text("utf-8"))
    assert (row["id"], row["to"], row["title"]) == (notice().id, "person:officer", "网格员上报:施工扬尘")
    assert (tmp_path / "outbox.txt").read_text("utf-8") == (
        "2026-03-02 12:05  person:officer\n"
        "  网格员上报:施工扬尘\n"
        "  【催办】施工扬尘,编号 c1,当前已交办,签收时限将于 2026-03-02 12:05 到期,请抓紧办理。\n\n"
    )


def test_the_outbox_writes_a_notice_once_even_after_a_restart_and_mends_a_torn_line(tmp_path: Path) -> None:
    OutboxNotifier(tmp_path).send(notice(), NOW)
    with (tmp_path / "outbox.jsonl").open("ab") as file:
        file.write(b'{"id":"torn')
    again = OutboxNotifier(tmp_path)
    again.send(notice(), NOW)
    again.send(notice(2), NOW)
    ids = [json.loads(line)["id"] for line in (tmp_path / "outbox.jsonl").read_bytes().splitlines()]
    assert ids == [notice().id, notice(2).id]


def test_an_outbox_that_cannot_be_written_fails_and_is_tried_again(tmp_path: Path) -> None:
    outbox = OutboxNotifier(tmp_path / "box")
    (tmp_path / "box" / "outbox.jsonl").mkdir()
    assert outbox.send(notice(), NOW).answer == "failed"
    (tmp_path / "box" / "outbox.jsonl").rmdir()
    assert outbox.send(notice(), NOW).answer == "sent"


def mail(server: SmtpServer, address: str = "officer@example.org") -> MailNotifier:
    return MailNotifier("127.0.0.1", server.server_address[1], "desk@example.org", lambda to: address)


def test_a_mail_reaches_the_server_with_the_notice_as_its_id(serve) -> None:  # type: ignore[no-untyped-def]
    server = serve(SmtpServer())
    receipt = mail(server).send(notice(), NOW)
    assert (receipt.answer, receipt.delivered) == ("sent", False)
    sent = message_from_bytes(server.mails[0], policy=policy.default)
    assert sent["Message-ID"] == f"<{notice().id}@bihuan>"
    assert (sent["To"], sent["Subject"]) == ("officer@example.org", "网格员上报:施工扬尘")
    assert sent["Date"].datetime == NOW
    body = sent.get_content()
    assert body.startswith("【催办】施工扬尘,编号 c1")
    assert "case:c1" in body


@pytest.mark.parametrize(("code", "answer"), [("550 no such user", "refused"), ("450 busy", "failed")])
def test_a_recipient_that_the_server_turns_away(serve, code: str, answer: str) -> None:  # type: ignore[no-untyped-def]
    receipt = mail(serve(SmtpServer(code))).send(notice(), NOW)
    assert receipt.answer == answer
    assert code[:3] in receipt.detail


def test_a_receiver_without_an_address_and_a_server_that_is_away() -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as closed:
        port = closed.server_address[1]
    assert MailNotifier("127.0.0.1", port, "d@example.org", lambda to: "").send(notice(), NOW).answer == "refused"
    away = MailNotifier("127.0.0.1", port, "d@example.org", lambda to: "o@example.org").send(notice(), NOW)
    assert (away.answer, away.detail.startswith(f"127.0.0.1:{port}: ")) == ("failed", True)


def test_a_webhook_gets_the_notice_and_its_id_and_confirms_it(serve) -> None:  # type: ignore[no-untyped-def]
    server = serve(HookServer())
    receipt = WebhookNotifier(server.url, "en").send(notice(), NOW)
    assert (receipt.answer, receipt.delivered) == ("sent", True)
    key, body = server.posts[0]
    assert key == body["id"] == notice().id
    assert (body["subject"], body["to"], body["kind"]) == ("case:c1", "person:officer", "urge")
    assert str(body["body"]).startswith("[Urged] construction dust")


@pytest.mark.parametrize(
    ("status", "answer"),
    [(204, "sent"), (302, "refused"), (404, "refused"), (408, "failed"), (429, "failed"), (500, "failed")],
)
def test_what_a_webhook_answers_decides_whether_to_try_again(serve, status: int, answer: str) -> None:  # type: ignore[no-untyped-def]
    server = serve(HookServer(status))
    assert WebhookNotifier(server.url).send(notice(), NOW).answer == answer
    assert len(server.posts) == 1


def test_a_webhook_that_is_away_fails(serve) -> None:  # type: ignore[no-untyped-def]
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as closed:
        url = f"http://127.0.0.1:{closed.server_address[1]}/"
    assert WebhookNotifier(url).send(notice(), NOW).answer == "failed"


def test_a_proxy_of_the_environment_is_not_used(serve, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.org:3128")
    assert WebhookNotifier(serve(HookServer()).url).send(notice(), NOW).answer == "sent"


@pytest.mark.parametrize("url", ["ftp://example.org", "example.org", "http://", "http://exa mple\x00"])
def test_a_webhook_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(SettingError, match="webhook_url"):
        WebhookNotifier(url)


def test_posting_twice_sends_once_even_after_a_restart(tmp_path: Path) -> None:
    channel = Flaky(0)
    desk = Notifications([channel], tmp_path / "log.jsonl")
    assert len(desk.post([notice(), notice()], NOW)) == 1
    assert desk.post([notice()], NOW) == ()
    assert Notifications([channel], tmp_path / "log.jsonl").post([notice()], NOW) == ()
    assert channel.sent == [notice().id]


def test_a_failure_is_tried_again_with_longer_and_longer_waits_until_it_is_given_up(tmp_path: Path) -> None:
    channel = Flaky(99)
    desk = Notifications([channel], tmp_path / "log.jsonl")
    (delivery,) = desk.post([notice()], NOW)
    now, waits = NOW, []
    while delivery.next_try is not None:
        assert desk.retry(delivery.next_try - timedelta(seconds=1)) == ()
        waits.append(delivery.next_try - now)
        now = delivery.next_try
        (delivery,) = desk.retry(now)
    assert tuple(waits) == BACK_OFF
    assert delivery.given_up
    assert (delivery.attempts, delivery.detail) == (len(BACK_OFF) + 1, "no line")
    assert desk.retry(now + timedelta(days=9)) == ()


def test_what_is_refused_for_good_is_not_tried_again(tmp_path: Path) -> None:
    (delivery,) = Notifications([Flaky(1, "refused")], tmp_path / "log.jsonl").post([notice()], NOW)
    assert delivery.given_up


def test_one_channel_that_fails_holds_up_no_other(tmp_path: Path) -> None:
    desk = Notifications([Flaky(1), OutboxNotifier(tmp_path)], tmp_path / "log.jsonl")
    states = {one.channel: one.sent is not None for one in desk.post([notice()], NOW)}
    assert states == {"flaky": False, "outbox": True}


def test_sent_delivered_and_read_times_are_kept_over_a_restart(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    desk = Notifications([Flaky(0), OutboxNotifier(tmp_path)], log)
    desk.post([notice()], NOW)
    assert {one.channel: one.delivered for one in desk.deliveries()} == {"flaky": None, "outbox": NOW}
    seen = NOW + timedelta(minutes=7)
    assert desk.mark_read(notice().id, seen)
    assert desk.mark_read(notice().id, seen + timedelta(minutes=1))
    assert not desk.mark_read("unknown", seen)
    again = Notifications([], log).deliveries(notice().id)
    assert {(one.sent, one.delivered, one.read) for one in again} == {(NOW, seen, seen), (NOW, NOW, seen)}


def test_a_crash_before_the_answer_sends_again_with_the_same_id(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"

    class Dies(Flaky):
        def send(self, notice: Notice, now: datetime) -> Receipt:
            super().send(notice, now)
            raise KeyboardInterrupt

    dying = Dies(0)
    with pytest.raises(KeyboardInterrupt):
        Notifications([dying], log).post([notice()], NOW)
    channel = Flaky(0)
    (delivery,) = Notifications([channel], log).retry(NOW)
    assert dying.sent == channel.sent == [notice().id]
    assert delivery.sent == NOW


def test_a_log_torn_by_a_crash_is_mended_and_a_foreign_one_is_named(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    Notifications([Flaky(0)], log).post([notice()], NOW)
    whole = log.read_bytes()
    log.write_bytes(whole + whole[:30])
    assert len(Notifications([], log).deliveries()) == 1
    assert log.read_bytes() == whole
    log.write_bytes(b"{}\n")
    with pytest.raises(StoreError, match=r"log.jsonl line 1: .* move the file away"):
        Notifications([], log)


def test_without_a_setting_only_the_outbox_exists(tmp_path: Path) -> None:
    found = notifiers_of(Settings(), tmp_path, lambda to: "")
    assert [notifier.channel for notifier in found] == ["outbox"]
    every = notifiers_of(Settings({**SETTINGS, "webhook_url": "https://example.org/h"}), tmp_path, lambda to: "")
    assert [notifier.channel for notifier in every] == ["outbox", "mail", "webhook"]


def test_a_mail_server_without_a_sender_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="smtp_sender"):
        notifiers_of(Settings({"smtp_host": "127.0.0.1"}), tmp_path, lambda to: "")


def test_addresses_come_from_the_register_of_the_day() -> None:
    clerk = Person(id="clerk", name="", roles=("handler",), unit="housing", email="clerk@example.org")
    register = Register([clerk, replace(clerk, id="mute", email="")])
    address_of = mail_addresses(lambda: register, NOW.date)
    assert address_of(Ref("person", "clerk")) == address_of(Ref("unit", "housing")) == "clerk@example.org"
    assert address_of(Ref("person", "mute")) == address_of(Ref("person", "nobody")) == ""

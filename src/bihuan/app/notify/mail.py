"""E-mail by SMTP."""

from __future__ import annotations

import smtplib
import ssl
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from zoneinfo import ZoneInfo

from bihuan.app.notify.contract import AddressOf, Answer, Receipt
from bihuan.core import CHINA, Language, Notice, text

TIMEOUT = 20.0
"""[s]"""

SUBMISSION_TLS = 465
"""Port on which a mail server speaks TLS from the first byte (RFC 8314)."""


class MailNotifier:
    """Send notices through one mail server.

    Parameters
    ----------
    host : str
        The only host ever called.
    port : int
        465 speaks TLS at once; any other starts TLS when the server offers it.
    sender : str
        Address mails come from.
    address_of : callable
        Receiver -> e-mail address.
    language : Language
    zone : ZoneInfo

    Notes
    -----
    SMTP only says that the server took the mail, so a receipt says sent, never delivered. The ``Message-ID`` is the
    notice's id: a repeat after a crash is recognised by the receiver's server.
    """

    channel = "mail"

    def __init__(
        self,
        host: str,
        port: int,
        sender: str,
        address_of: AddressOf,
        *,
        language: Language = "zh",
        zone: ZoneInfo = CHINA,
    ) -> None:
        self._host, self._port, self._sender = host, port, sender
        self._address_of = address_of
        self._language: Language = language
        self._zone = zone

    def send(self, notice: Notice, now: datetime) -> Receipt:
        """Hand one notice to the mail server."""
        to = self._address_of(notice.to)
        if not to:
            return self._receipt(notice, "refused", now, f"{notice.to} has no e-mail address in the register")
        try:
            self._deliver(self._message(notice, to, now), to)
        except smtplib.SMTPRecipientsRefused as problem:
            codes = [code for code, _ in problem.recipients.values()]
            return self._receipt(notice, "refused" if min(codes) >= 500 else "failed", now, f"{to}: {codes}")
        except smtplib.SMTPResponseException as problem:
            answer: Answer = "refused" if 500 <= problem.smtp_code < 600 else "failed"
            return self._receipt(notice, answer, now, f"{self._host}: {problem.smtp_code}")
        except (smtplib.SMTPException, OSError) as problem:
            return self._receipt(notice, "failed", now, f"{self._host}:{self._port}: {problem}")
        return self._receipt(notice, "sent", now, "")

    def _receipt(self, notice: Notice, answer: Answer, now: datetime, detail: str) -> Receipt:
        return Receipt(notice.id, self.channel, answer, now, detail=detail)

    def _message(self, notice: Notice, to: str, now: datetime) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = to
        message["Subject"] = " ".join(notice.title.say(self._language, self._zone).split())
        message["Date"] = format_datetime(now.astimezone(self._zone))
        message["Message-ID"] = f"<{notice.id}@bihuan>"
        signature = text("notice.sent_by", self._language)
        message.set_content(f"{notice.body.say(self._language, self._zone)}\n\n{notice.subject}\n{signature}\n")
        return message

    def _deliver(self, message: EmailMessage, to: str) -> None:
        # "localhost": asking the system for our own full name would be a look-up outside
        if self._port == SUBMISSION_TLS:
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, "localhost", timeout=TIMEOUT, context=context
            )
        else:
            server = smtplib.SMTP(self._host, self._port, "localhost", timeout=TIMEOUT)
        with server:
            server.ehlo()
            if self._port != SUBMISSION_TLS and server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
                server.ehlo()
            server.send_message(message, self._sender, [to])

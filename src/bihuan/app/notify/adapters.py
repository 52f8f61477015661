"""Which channels an installation has: the file outbox always, the others only where a setting names their host."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from bihuan.app.notify.contract import AddressOf, Notifier
from bihuan.app.notify.mail import MailNotifier
from bihuan.app.notify.outbox import OutboxNotifier
from bihuan.app.notify.webhook import WebhookNotifier
from bihuan.app.settings import Settings
from bihuan.core import Language, Ref, SettingError
from bihuan.register import Person, Register


def notifiers_of(
    settings: Settings, folder: Path, address_of: AddressOf, language: Language = "zh"
) -> tuple[Notifier, ...]:
    """Return the channels in force.

    Parameters
    ----------
    settings : Settings
        ``smtp_host smtp_port smtp_sender webhook_url``; empty ones call nobody.
    folder : Path
        Of the file outbox.
    address_of : callable
        Receiver -> e-mail address, see `mail_addresses`.
    language : Language

    Raises
    ------
    SettingError
        If mail has a server and no sender, or the webhook's address is none.
    """
    found: list[Notifier] = [OutboxNotifier(folder, language, settings.zone)]
    host = settings.text("smtp_host")
    if host:
        sender = settings.text("smtp_sender")
        if "@" not in sender:
            raise SettingError(f"setting smtp_sender = {sender!r} must be an address while smtp_host is {host!r}")
        port = settings.whole("smtp_port")
        found.append(MailNotifier(host, port, sender, address_of, language=language, zone=settings.zone))
    url = settings.text("webhook_url")
    if url:
        found.append(WebhookNotifier(url, language, settings.zone))
    return tuple(found)


def mail_addresses(register: Callable[[], Register], today: Callable[[], date]) -> AddressOf:
    """Return how to find an e-mail address: of a person, or the first one of a unit's people that has any."""

    def address_of(to: Ref) -> str:
        on = today()
        people = register().all(Person, on)
        mine = [person for person in people if (person.id if to.kind == "person" else person.unit) == to.id]
        return next((person.email for person in mine if person.email), "")

    return address_of

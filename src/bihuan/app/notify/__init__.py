"""Notices to people: one contract for every channel, sent once, retried, with sent / delivered / read times."""

from bihuan.app.notify.adapters import mail_addresses, notifiers_of
from bihuan.app.notify.contract import BACK_OFF, Delivery, Notifier, Receipt
from bihuan.app.notify.delivery import Notifications
from bihuan.app.notify.mail import MailNotifier
from bihuan.app.notify.outbox import OutboxNotifier
from bihuan.app.notify.webhook import WebhookNotifier

__all__ = [
    "BACK_OFF",
    "Delivery",
    "MailNotifier",
    "Notifications",
    "Notifier",
    "OutboxNotifier",
    "Receipt",
    "WebhookNotifier",
    "mail_addresses",
    "notifiers_of",
]

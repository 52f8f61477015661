"""A webhook: notices are posted as JSON to one address that a setting names."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import httpx

from bihuan.app.notify.contract import Answer, Receipt
from bihuan.core import CHINA, Language, Notice, SettingError, plain

TIMEOUT = 10.0
"""[s]"""

WORTH_A_RETRY = {408, 425, 429}
"""Client errors that time may heal: timed out, too early, too many."""


class WebhookNotifier:
    """Post notices to one address.

    Receipts name its host only: the path of such an address is often a secret.

    Parameters
    ----------
    url : str
        The only address ever called: proxies of the environment are not used and redirects not followed.
    language : Language
    zone : ZoneInfo

    Raises
    ------
    SettingError
        If the address is no http or https address.
    """

    channel = "webhook"

    def __init__(self, url: str, language: Language = "zh", zone: ZoneInfo = CHINA) -> None:
        try:
            self._url = httpx.URL(url)
        except httpx.InvalidURL:
            self._url = httpx.URL("")
        if self._url.scheme not in {"http", "https"} or not self._url.host:
            raise SettingError(f"setting webhook_url = {url!r} must be an http or https address with a host")
        self._language: Language = language
        self._zone = zone

    def send(self, notice: Notice, now: datetime) -> Receipt:
        """Post one notice; an answer 2xx means that the receiver has it."""
        body = {
            **plain(notice),
            "title": notice.title.say(self._language, self._zone),
            "body": notice.body.say(self._language, self._zone),
        }
        headers = {"Idempotency-Key": notice.id}
        try:
            with httpx.Client(trust_env=False, follow_redirects=False, timeout=TIMEOUT) as client:
                status = client.post(self._url, json=body, headers=headers).status_code
        except httpx.HTTPError as problem:
            return Receipt(notice.id, self.channel, "failed", now, detail=f"{self._url.host}: {problem}")
        if 200 <= status < 300:
            return Receipt(notice.id, self.channel, "sent", now, delivered=True)
        lasting = 300 <= status < 500 and status not in WORTH_A_RETRY
        answer: Answer = "refused" if lasting else "failed"
        return Receipt(notice.id, self.channel, answer, now, detail=f"{self._url.host}: status {status}")

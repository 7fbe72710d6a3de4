"""What the stand-in keeps, and how Twilio's specification shows it."""

from __future__ import annotations

import json
import secrets
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from pipeline.delivery.behaviours import Behaviour, of_number

STATUSES: Final = ("queued", "sent", "delivered")


@dataclass
class Kept:
    """A message that the stand-in took. `undelivered_code`: it will never arrive, for this reason."""

    sid: str
    to: str
    sender: str | None
    service: str | None
    body: str
    created_at: datetime
    status: str
    callback: str | None
    undelivered_code: int | None = None
    sent_at: datetime | None = None

    @property
    def error_code(self) -> int | None:
        return self.undelivered_code if self.status == "undelivered" else None

    def move(self, status: str, now: datetime) -> None:
        """Take the next status; at the end `undelivered` where the message is to meet an error."""
        self.status = "undelivered" if status == "delivered" and self.undelivered_code else status
        if self.status in ("sent", "delivered", "undelivered") and self.sent_at is None:
            self.sent_at = now


@dataclass
class Store:
    """All that the stand-in knows, for one account. Touched by one event loop only. `statuses` are reported in this order."""

    account_sid: str
    clock: Callable[[], datetime]
    keep_in: Path | None = None
    messages: dict[str, Kept] = field(default_factory=dict)
    by_number: dict[str, list[Kept]] = field(default_factory=dict)
    script: deque[Behaviour] = field(default_factory=deque)
    statuses: tuple[str, ...] = STATUSES
    reports: bool = True
    requests: int = 0

    @property
    def address(self) -> str:
        return f"/2010-04-01/Accounts/{self.account_sid}/Messages"

    def next_behaviour(self, to: str) -> Behaviour:
        """The script's next word, and after its end what the number asks for."""
        return self.script.popleft() if self.script else of_number(to)

    def keep(self, form: Mapping[str, str], fate: Behaviour) -> Kept:
        """Take a checked message."""
        service = form.get("MessagingServiceSid")
        message = Kept(
            sid=f"SM{secrets.token_hex(16)}",
            to=form["To"],
            sender=form.get("From"),
            service=service,
            body=form["Body"],
            created_at=self.clock(),
            status="accepted" if service else "queued",
            callback=form.get("StatusCallback"),
            undelivered_code=fate.delivery_code,
        )
        self.messages[message.sid] = message
        self.by_number.setdefault(message.to, []).append(message)
        if self.keep_in:
            with self.keep_in.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps({"sid": message.sid, "to": message.to, "body": message.body}) + "\n")
        return message

    def counts(self) -> dict[str, Any]:
        """`doubled`: messages beyond the first with the same number and body."""
        alike = Counter((message.to, message.body) for message in self.messages.values())
        return {
            "requests": self.requests,
            "accepted": len(self.messages),
            "doubled": len(self.messages) - len(alike),
            "by_status": dict(Counter(message.status for message in self.messages.values())),
        }

    def page(self, wanted: Mapping[str, str]) -> dict[str, Any]:
        """One page of the list, newest first, with addresses relative to the server as Twilio gives them."""
        # By number where one is asked for: a lookup among 100,000 messages would else read them all.
        to_one = [message for message in self.by_number.get(wanted.get("To", ""), []) if message.sid in self.messages]
        some = to_one if "To" in wanted else list(self.messages.values())
        found = [message for message in reversed(some) if _matches(message, wanted)]
        size, number = int(wanted.get("PageSize", "50")), int(wanted.get("Page", "0"))
        shown = found[number * size : (number + 1) * size]
        filters = {name: value for name, value in wanted.items() if name not in ("Page", "PageSize", "PageToken")}

        def uri(number: int) -> str:
            return f"{self.address}.json?{urlencode(filters | {'PageSize': size, 'Page': number})}"

        return {
            "messages": [self.shown(message) for message in shown],
            "page": number,
            "page_size": size,
            "start": number * size,
            "end": number * size + max(len(shown) - 1, 0),
            "uri": uri(number),
            "first_page_uri": uri(0),
            "next_page_uri": uri(number + 1) if (number + 1) * size < len(found) else None,
            "previous_page_uri": uri(number - 1) if number else None,
        }

    def shown(self, message: Kept) -> dict[str, Any]:
        """`api.v2010.account.message` of Twilio's specification."""
        uri = f"{self.address}/{message.sid}"
        return {
            "account_sid": self.account_sid,
            "api_version": "2010-04-01",
            "body": message.body,
            "date_created": _rfc_2822(message.created_at),
            "date_sent": _rfc_2822(message.sent_at) if message.sent_at else None,
            "date_updated": _rfc_2822(message.sent_at or message.created_at),
            "direction": "outbound-api",
            "error_code": message.error_code,
            "error_message": None,
            "from": message.sender,
            "messaging_service_sid": message.service,
            "num_media": "0",
            "num_segments": "1",
            "price": None,
            "price_unit": "USD",
            "sid": message.sid,
            "status": message.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": message.to,
            "uri": f"{uri}.json",
        }


def _rfc_2822(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC))


def _matches(message: Kept, wanted: Mapping[str, str]) -> bool:
    if message.to != wanted.get("To", message.to) or message.sender != wanted.get("From", message.sender):
        return False
    bounds = {name: date.fromisoformat(wanted[name][:10]) for name in ("DateSent", "DateSent<", "DateSent>") if name in wanted}
    if message.sent_at is None:
        # What still queues has no date: the reason why `Sms.find` does not filter by it.
        return not bounds
    sent_on = message.sent_at.astimezone(UTC).date()
    return (
        sent_on == bounds.get("DateSent", sent_on)
        and sent_on <= bounds.get("DateSent<", sent_on)
        and sent_on >= bounds.get("DateSent>", sent_on)
    )

"""One call of a Discord webhook, and what is certain after it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from copydesk.agent.desk.publishing import SentPart
from copydesk.agent.records import Json
from copydesk.agent.stories.sending.webhook import Webhook
from copydesk.agent.text import one_line

if TYPE_CHECKING:
    import httpx

_SECONDS = 30.0
_ID = re.compile(r"\d{1,20}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Arrived:
    """The message is there. `pause` is how many seconds Discord wants before the next call."""

    thread_id: str
    message_id: str
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class NotSent:
    """The message is certainly not there, and may be tried again: in so many seconds."""

    why: str
    retry_after: float


@dataclass(frozen=True, slots=True)
class Refused:
    """The message is certainly not there, and the same call would be refused again."""

    status: int
    code: int
    why: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The message may be there or not."""

    why: str


Answer = Arrived | NotSent | Refused | Unknown


class DiscordCalls:
    """The calls of one webhook. Each opens a connection of its own.

    On a connection that is used again it cannot be told whether a request was read before the
    other side closed it.

    Args:
        webhook: Where they go.
        client: What makes them; `discord_calls` makes one.
    """

    def __init__(self, webhook: Webhook, client: httpx.Client) -> None:
        self._webhook = webhook
        self._client = client

    def post(self, part: SentPart, thread_id: str) -> Answer:
        """Post a part.

        Args:
            part: The part.
            thread_id: The thread that it goes to; "" for the channel, or to open one.
        """
        import httpx

        query = {"wait": "true"} | ({"thread_id": thread_id} if thread_id else {})
        try:
            answer = self._client.post(self._webhook.url, params=query, **_body(part))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError):
            return NotSent("no connection could be made", 0.0)
        except httpx.HTTPError as error:
            return Unknown(f"the connection broke ({type(error).__name__})")
        return _read(answer)

    def message(self, message_id: str, thread_id: str) -> Json | None:
        """A message that the webhook posted, None where it posted none with that id there.

        Raises:
            ConnectionError: There was no answer, or one that says nothing about it.
        """
        import httpx

        query = {"thread_id": thread_id} if thread_id else {}
        try:
            answer = self._client.get(f"{self._webhook.url}/messages/{message_id}", params=query)
        except httpx.HTTPError as error:
            raise ConnectionError(f"no answer ({type(error).__name__})") from None
        if answer.status_code == 404:
            return None
        message = _json(answer)
        if answer.status_code != 200 or "id" not in message:
            raise ConnectionError(f"status {answer.status_code}")
        return message


@contextmanager
def discord_calls(webhook: Webhook) -> Iterator[DiscordCalls]:
    """The calls of a webhook; redirects are not followed, and no address gets into a log."""
    import httpx

    for name in ("httpx", "httpcore"):  # at INFO and DEBUG they log the address of each request
        logging.getLogger(name).setLevel(logging.WARNING)
    limits = httpx.Limits(max_keepalive_connections=0)
    headers = {"User-Agent": "copydesk (https://pypi.org/project/copydesk)"}
    proxies = not webhook.is_local
    with httpx.Client(
        timeout=_SECONDS, limits=limits, headers=headers, trust_env=proxies
    ) as client:
        yield DiscordCalls(webhook, client)


def _body(part: SentPart) -> dict[str, Any]:
    """The body of a request: JSON, with a picture as one part of a form."""
    if part.picture is None:
        return {"json": part.payload}
    name = part.payload["attachments"][0]["filename"]
    return {
        "data": {"payload_json": json.dumps(part.payload)},
        "files": {"files[0]": (name, part.picture, "image/png")},
    }


def _read(answer: httpx.Response) -> Answer:
    """What is certain after an answer.

    A server error says nothing: Discord may have posted the message before it failed.
    """
    content = _json(answer)
    status = answer.status_code
    if status == 200:
        message, channel = str(content.get("id")), str(content.get("channel_id"))
        if _ID.fullmatch(message) and _ID.fullmatch(channel):
            return Arrived(channel, message, _pause(answer))
        return Unknown("Discord answered without the message's id")
    if status == 429:
        wait = _seconds(content.get("retry_after"), answer.headers.get("Retry-After"))
        return NotSent("Discord asks to wait", wait)
    if 300 <= status < 500:
        code = content.get("code")
        why = one_line(str(content.get("message") or "no reason given"))
        return Refused(status, code if isinstance(code, int) else 0, why)
    return Unknown(f"Discord answered with status {status}")


def _json(answer: httpx.Response) -> Json:
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _pause(answer: httpx.Response) -> float:
    """The seconds until the next call is allowed, by the headers of the rate limit."""
    if answer.headers.get("X-RateLimit-Remaining") != "0":
        return 0.0
    return _seconds(answer.headers.get("X-RateLimit-Reset-After"), default=1.0)


def _seconds(*values: object, default: float = 5.0) -> float:
    """The first of some values that is a number of seconds."""
    for value in values:
        try:
            seconds = float(str(value))
        except ValueError:
            continue
        if 0 <= seconds < 86400:
            return seconds
    return default

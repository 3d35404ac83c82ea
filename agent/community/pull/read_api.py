"""Reading from an API over HTTP: what is waited for, tried again, and given up.

Discord says how long to wait with 429 and `Retry-After`
(https://discord.com/developers/docs/topics/rate-limits), GitHub with 403 or 429 and `Retry-After`,
or with `X-RateLimit-Remaining: 0` and the time of the reset
(https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api). Times of the server
are held against its own `Date`, since this machine's clock may be wrong.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from copydesk.agent.errors import CopydeskError
from copydesk.agent.model.hosts import parse_host
from copydesk.agent.progress import Progress

if TYPE_CHECKING:
    import httpx

LONGEST_WAIT = 120.0
"""Seconds. Where a server asks for more, the place is given up until the next time."""
_SECONDS = 30.0
_TRIES = 5
_GITHUB_PAUSE = 60.0
"""Seconds that GitHub asks for after a secondary limit that names none."""


class PlaceGone(Exception):
    """The place is not there any more, or may not be read. The text says which."""


class TryLater(Exception):
    """The place could not be read this time. The text says why."""


class Answer(NamedTuple):
    """What a server answered: the JSON, and the time by its own clock."""

    content: Any
    at: datetime


class Api:
    """Reads from one server.

    Args:
        client: What sends the requests; `open_api` makes one.
        base: The address that paths are added to.
        say: Told of pauses.
        sleep: Waits for so many seconds.
    """

    def __init__(
        self,
        client: httpx.Client,
        base: str,
        say: Progress,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._base = base
        self._say = say
        self._sleep = sleep

    def get(self, path: str, **query: str | int) -> Answer:
        """Read a path.

        Raises:
            PlaceGone: It is not there, or may not be read.
            TryLater: There is no connection, or the server is unwell or wants a longer pause.
            CopydeskError: The token is not accepted.
        """
        return self._read("GET", path, params=dict(query))

    def query(self, path: str, text: str, variables: Mapping[str, object]) -> Answer:
        """Ask a GraphQL query. The errors are those of `get`."""
        body = {"query": text, "variables": dict(variables)}
        return self._read("POST", path, json=body)

    def _read(self, method: str, path: str, **more: Any) -> Answer:
        import httpx

        pause = 1.0
        why = ""
        for attempt in range(_TRIES):
            if attempt:
                if pause > LONGEST_WAIT:
                    break
                self._say(f"{why}; waiting for {pause:.0f} s")
                self._sleep(pause)
            try:
                answer = self._client.request(method, f"{self._base}{path}", **more)
                content = answer.json() if answer.content else None
            except (httpx.HTTPError, ValueError) as error:
                # the text of such an error may quote the request
                why, pause = f"no usable answer ({type(error).__name__})", 2.0**attempt
                continue
            if answer.status_code == 200:
                return Answer(content, _time_of(answer))
            why, pause = _refusal(answer, content, attempt)
        raise TryLater(why)


def _refusal(answer: httpx.Response, content: Any, attempt: int) -> tuple[str, float]:
    """Why there was no answer, and how long to wait before the next try.

    Raises:
        PlaceGone: Trying again cannot help.
        CopydeskError: The token is not accepted.
    """
    status = answer.status_code
    if status == 401:
        raise CopydeskError(
            "the token is not accepted (401)",
            slug="token-refused",
            hint="It may have been revoked or have run out: make a new one, and set it.",
        )
    limited = _rate_limit(answer, content)
    if limited is not None:
        return f"the server limits the rate ({status})", limited
    if status >= 500:
        return f"the server is unwell ({status})", 2.0**attempt
    if status == 404:
        raise PlaceGone("it is not there any more, or the token may not see it (404)")
    raise PlaceGone(f"it may not be read ({status})")


def _rate_limit(answer: httpx.Response, content: Any) -> float | None:
    """The seconds that a server asks to wait; None if it is not the rate that it minds."""
    status, headers = answer.status_code, answer.headers
    if status not in (403, 429):
        return None
    seconds = _number(headers.get("retry-after"))
    if isinstance(content, dict) and seconds is None:
        seconds = _number(content.get("retry_after"))
    if seconds is not None:
        return seconds
    if headers.get("x-ratelimit-remaining") == "0":
        reset = _number(headers.get("x-ratelimit-reset"))
        if reset is not None:
            return max(1.0, reset - _time_of(answer).timestamp() + 1)
    says = str(content.get("message", "")).lower() if isinstance(content, dict) else ""
    if status == 429 or "secondary rate limit" in says or "abuse" in says:
        return _GITHUB_PAUSE
    return None


def _number(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if 0 <= number < 1e12 else None


def _time_of(answer: httpx.Response) -> datetime:
    """The server's time; this machine's where it tells none."""
    try:
        moment = parsedate_to_datetime(answer.headers.get("date", ""))
    except (ValueError, TypeError):
        return datetime.now(UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@contextmanager
def open_api(
    base: str, headers: Mapping[str, str], say: Progress, sleep: Callable[[float], None]
) -> Iterator[Api]:
    """An API to read from. Redirects are not followed; the token is in no log.

    Args:
        base: Its address: https, or this machine for trials.
        headers: Sent with each request, with the token.
        say: Told of pauses.
        sleep: Waits for so many seconds.

    Raises:
        CopydeskError: The address is neither.
    """
    import httpx

    host = parse_host(base)
    if host.scheme != "https" and not host.is_loopback:
        raise CopydeskError(
            f"{host.url} is neither https nor on this machine, so no token is sent there",
            slug="bad-api-address",
            hint="Take copydesk.discordApi and copydesk.githubApi out of your git configuration.",
        )
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    agent = {"User-Agent": "copydesk (https://pypi.org/project/copydesk)"}
    with httpx.Client(
        timeout=_SECONDS, headers={**agent, **headers}, trust_env=not host.is_loopback
    ) as client:
        yield Api(client, base.rstrip("/"), say, sleep)

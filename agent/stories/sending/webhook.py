"""The address of a Discord webhook. Whoever has it can post, so it is never shown whole."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository, get_config

CONFIG_KEY = "copydesk.discordWebhook"
VARIABLE = "COPYDESK_DISCORD_WEBHOOK"

_HOSTS = {"discord.com", "canary.discord.com", "ptb.discord.com", "discordapp.com"}
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_PATH = re.compile(r"(?:/api(?:/v\d{1,2})?)?/webhooks/(\d{1,20})/([\w-]{1,100})/?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook. `url` holds its secret token and is left out wherever the value is printed."""

    url: str = field(repr=False)
    host: str
    id: str

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine, for trials."""
        return self.host in _LOOPBACK

    @property
    def shown(self) -> str:
        """The address as it may be shown."""
        return f"{self.host}/…/webhooks/…{self.id[-4:]}/(secret)"


def parse_webhook(text: str) -> Webhook:
    """Read the address of a webhook: one of Discord's, over https, or of this machine for trials.

    Raises:
        CopydeskError: It is none. The message does not repeat it.
    """
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _bad_webhook("is not an address") from None
    match = _PATH.fullmatch(parts.path)
    if match is None or parts.query or parts.fragment or parts.username is not None:
        raise _bad_webhook("is not the address of a webhook")
    discord = parts.scheme == "https" and host in _HOSTS and port in (None, 443)
    local = parts.scheme in ("http", "https") and host in _LOOPBACK
    if not (discord or local):
        raise _bad_webhook("does not lead to discord.com over https")
    return Webhook(f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", host, match[1])


def find_webhook(repo: Repository) -> Webhook:
    """The webhook that the user has set: in the environment, else in their git configuration.

    A file that a commit could bring has no say in it.

    Raises:
        CopydeskError: There is none, or it is not the address of one.
    """
    text = os.environ.get(VARIABLE) or get_config(repo, CONFIG_KEY)
    if not text:
        raise CopydeskError(
            "no webhook is set, so there is nowhere to send to",
            slug="no-webhook",
            hint=f"In Discord: the channel's settings, Integrations, Webhooks, Copy Webhook URL;"
            f" then `git config {CONFIG_KEY} URL`, or ${VARIABLE}.",
        )
    return parse_webhook(text)


def _bad_webhook(why: str) -> CopydeskError:
    return CopydeskError(
        f"the webhook that is set {why}",
        slug="bad-webhook",
        hint=f"It looks like https://discord.com/api/webhooks/NUMBER/TOKEN;"
        f" `git config {CONFIG_KEY}` shows yours.",
    )

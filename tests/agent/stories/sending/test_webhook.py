"""The webhook's address: only the user's, only Discord's, never shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository
from copydesk.agent.stories.sending.webhook import find_webhook, parse_webhook

Git = Callable[..., str]
GOOD = "https://discord.com/api/webhooks/123456/Sec-ret_1"


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "https://discord.com/api/v10/webhooks/123456/Sec-ret_1/",
        " https://ptb.discord.com/api/webhooks/123456/Sec-ret_1\n",
        "http://127.0.0.1:8080/api/webhooks/123456/Sec-ret_1",
    ],
)
def test_the_address_of_a_webhook_is_taken(text: str) -> None:
    webhook = parse_webhook(text)
    assert webhook.url == text.strip().rstrip("/")
    assert webhook.id == "123456"
    assert webhook.shown.endswith("/…/webhooks/…3456/(secret)")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://discord.com/api/webhooks/123456/Sec-ret_1",
        "https://discord.com.evil.example/api/webhooks/123456/Sec-ret_1",
        "https://discord.com:8443/api/webhooks/123456/Sec-ret_1",
        "https://ada:pw@discord.com/api/webhooks/123456/Sec-ret_1",
        "https://discord.com/api/webhooks/123456/Sec-ret_1?wait=true",
        "https://discord.com/api/webhooks/123456",
        "https://[discord.com/api/webhooks/123456/Sec-ret_1",
        "https://discord.com:x/api/webhooks/123456/Sec-ret_1",
        "https://evil.example/api/webhooks/123456/Sec-ret_1",
    ],
)
def test_anything_else_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(CopydeskError) as caught:
        parse_webhook(text)
    assert caught.value.slug == "bad-webhook"
    assert "Sec-ret" not in f"{caught.value}{caught.value.hint}"


def test_it_is_found_in_the_environment_then_in_git(
    repo: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = repository.find(repo)
    with pytest.raises(CopydeskError) as caught:
        find_webhook(found)
    assert caught.value.slug == "no-webhook"
    git(repo, "config", "copydesk.discordWebhook", GOOD)
    assert find_webhook(found).url == GOOD
    monkeypatch.setenv("COPYDESK_DISCORD_WEBHOOK", GOOD.replace("123456", "654321"))
    assert find_webhook(found).id == "654321"


def test_a_file_of_the_working_tree_has_no_say(repo: Path, git: Git) -> None:
    (repo / "shared.cfg").write_text(f"[copydesk]\n\tdiscordWebhook = {GOOD}\n")
    git(repo, "config", "include.path", "../shared.cfg")
    with pytest.raises(CopydeskError) as caught:
        find_webhook(repository.find(repo))
    assert caught.value.slug == "no-webhook"

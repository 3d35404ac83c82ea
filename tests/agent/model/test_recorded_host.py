"""Wherever OLLAMA_HOST is set: one answer in the daemon and in the shell, or a said difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from copydesk.agent import config
from copydesk.agent.git.repository import Repository, find, get_config, set_config
from copydesk.agent.model import recorded_host
from copydesk.agent.model.hosts import parse_host
from copydesk.agent.model.recorded_host import host_difference, record_host

HERE, THERE = "127.0.0.1:11500", "http://localhost:11600"


@pytest.fixture
def found(repo: Path) -> Repository:
    return find(repo)


def seen(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, environment: str | None
) -> tuple[str, str]:
    """The server that a process with this OLLAMA_HOST asks, and what it says of a difference."""
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    if environment:
        monkeypatch.setenv("OLLAMA_HOST", environment)
    personal, sources = config.load_personal(repo)
    difference = host_difference(personal.model_host, sources["model_host"])
    return parse_host(personal.model_host).url, difference


@pytest.mark.parametrize("daemon", [None, HERE])
@pytest.mark.parametrize("configured", [None, THERE])
@pytest.mark.parametrize("shell", [None, HERE, THERE])
def test_there_is_one_answer_or_a_said_difference(
    found: Repository,
    monkeypatch: pytest.MonkeyPatch,
    daemon: str | None,
    configured: str | None,
    shell: str | None,
) -> None:
    if configured:
        set_config(found, "copydesk.modelHost", configured)
    record_host(found, {"OLLAMA_HOST": daemon} if daemon else {})
    of_daemon, _ = seen(found, monkeypatch, daemon)
    of_shell, difference = seen(found, monkeypatch, shell)
    assert of_daemon == of_shell or difference
    wanted = parse_host(shell).url if shell else of_daemon
    # and it is said only then, and not where the user has decided
    assert bool(difference) is (wanted != of_daemon and not configured)
    if difference:
        assert of_daemon in difference
        assert recorded_host.cure() == f"copydesk config --set model_host={shell}"


def test_what_is_recorded_stays(found: Repository) -> None:
    assert record_host(found, {}) == ""
    assert record_host(found, {"OLLAMA_HOST": HERE}) == HERE
    assert record_host(found, {"OLLAMA_HOST": THERE}) == ""
    assert get_config(found, config.RECORDED_HOST) == HERE


def test_an_address_that_cannot_be_read_is_said() -> None:
    words = host_difference("", "$OLLAMA_HOST", {"OLLAMA_HOST": "ftp://x"})
    assert "is not the address of a model server" in words

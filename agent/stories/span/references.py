"""Issues and pull requests that messages name, and where they can be read."""

from __future__ import annotations

import re
from typing import NamedTuple

from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository

_NUMBER = re.compile(r"(?<![\w/#&])(?:#|GH-)(\d{1,7})\b(?!\.\d)")
_CLOSES = re.compile(r"\b(?:clos|fix|resolv)\w*:? +(?:#|GH-)(\d{1,7})\b", re.I)
_REMOTE = re.compile(
    r"(?:(?:https?|ssh|git)://(?:[^@/\s]+@)?|(?:[\w.-]+@))"
    r"(?P<host>github\.com|gitlab\.com|codeberg\.org)(?::\d+)?[:/](?P<path>[\w.-]+(?:/[\w.-]+?)+?)"
    r"(?:\.git)?/?"
)
_ISSUES = {"github.com": "issues", "gitlab.com": "-/issues", "codeberg.org": "issues"}


class Reference(NamedTuple):
    """The number of an issue or a pull request, and whether a message says it is done."""

    number: int
    closed: bool


def references(text: str) -> list[Reference]:
    """The issues and pull requests that a text names, in order, each once."""
    closed = {int(match[1]) for match in _CLOSES.finditer(text)}
    numbers = dict.fromkeys(int(match[1]) for match in _NUMBER.finditer(text))
    return [Reference(number, number in closed) for number in numbers if number]


def web_address(remote: str) -> str:
    """The address of a remote's page, "" where its host is not one that is known.

    Args:
        remote: What git has as its address; a name and a password in it are left out.
    """
    match = _REMOTE.fullmatch(remote.strip())
    return f"https://{match['host']}/{match['path']}" if match else ""


def issue_address(page: str, number: int) -> str:
    """The address of an issue, "" where the project's page is not known."""
    host = page.removeprefix("https://").partition("/")[0]
    return f"{page}/{_ISSUES[host]}/{number}" if host in _ISSUES else ""


def project_page(repo: Repository) -> str:
    """The page of the repository's origin, "" where it has none that is known."""
    return web_address(git.get_config(repo, "remote.origin.url") or "")

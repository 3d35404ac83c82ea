"""Where a CI job runs, and what it says of the change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

_NONE = "0" * 40
"""What hosts name as the commit before the first one of a branch."""


class CiHost(NamedTuple):
    """A CI host. `bases` are what the change may be compared with, the best first.

    `summary` takes Markdown, `outputs` lines of name=value, where the host has such files.
    """

    name: Literal["github", "gitlab", ""]
    bases: tuple[str, ...]
    summary: Path | None = None
    outputs: Path | None = None


def detect_host(environ: Mapping[str, str]) -> CiHost:
    """The host by its environment; one of no name where there is none."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return CiHost(
            "github", _named(_github(environ)),
            _file(environ, "GITHUB_STEP_SUMMARY"), _file(environ, "GITHUB_OUTPUT"),
        )  # fmt: skip
    if environ.get("GITLAB_CI") == "true":
        default = environ.get("CI_DEFAULT_BRANCH", "")
        return CiHost(
            "gitlab",
            _named(
                [
                    environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA", ""),
                    environ.get("CI_COMMIT_BEFORE_SHA", ""),
                    f"origin/{default}" if default else "",
                ]
            ),
        )
    return CiHost("", ("origin/HEAD",))


def _file(environ: Mapping[str, str], name: str) -> Path | None:
    return Path(environ[name]) if environ.get(name) else None


def _named(bases: list[str]) -> tuple[str, ...]:
    return tuple(base for base in bases if base and base != _NONE)


def _github(environ: Mapping[str, str]) -> list[str]:
    event = _event(environ.get("GITHUB_EVENT_PATH", ""))
    bases = []
    if environ.get("GITHUB_REF", "").endswith("/merge"):
        # what is checked out is the merge into the base, whose first parent is the base now;
        # the event names the base as it was when the event was sent
        bases.append("HEAD^1")
    bases += [_at(event, "pull_request", "base", "sha"), _at(event, "before")]
    default = _at(event, "repository", "default_branch")
    return [*bases, f"origin/{default}" if default else ""]


def _event(path: str) -> Any:
    try:
        return json.loads(Path(path).read_text("utf-8")) if path else {}
    except (OSError, ValueError):
        return {}


def _at(value: Any, *keys: str) -> str:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""

"""What a map says of itself: of which commit it is, under what it was measured, and by whom."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from copydesk.agent.coverage.exchange.limits import MAX_TEXT, checked_numbers, checked_text
from copydesk.agent.git.map_repository import refused
from copydesk.agent.records import Sha
from copydesk.agent.text import one_line

FORMAT = 1
"""The version of the files of a map."""

MAX_PARTS = 64
MAX_PART = 1 << 20
_NAME = re.compile(r"([0-9a-f]{40}(?:[0-9a-f]{24})?)-([0-9a-f]{24})-([ab])-(\d{1,12})")


@dataclass(frozen=True, slots=True)
class About:
    """What a map says of itself. Nothing of it is believed: it is what somebody claims.

    Attributes:
        commit: The commit that was measured.
        environment: A fingerprint of what outcomes depend on besides the code.
        branch: Whether arcs were recorded.
        parts: What the fingerprint is of, in words, by name.
        measured_by: Who measured it, in their own words.
        measured_at: When, Unix time.
        tests: How many tests there are, and how many failed.
        failed: See there.
        executable: How many lines and branches count, and how many of them are covered.
        covered: See there.
        rests_on: Whose maps it rests on in turn.
        tool: The copydesk that wrote it.
    """

    commit: Sha
    environment: str
    branch: bool
    parts: Mapping[str, str]
    measured_by: str
    measured_at: int
    tests: int = 0
    failed: int = 0
    executable: int = 0
    covered: int = 0
    rests_on: tuple[str, ...] = ()
    tool: str = ""
    format: int = field(default=FORMAT)

    @property
    def name(self) -> str:
        """What its folder is called: commit, environment, with arcs or without, and when."""
        arcs = "b" if self.branch else "a"
        return f"{self.commit}-{self.environment}-{arcs}-{self.measured_at}"

    def to_json(self) -> bytes:
        """It as a file of the map."""
        values = asdict(self) | {"parts": dict(self.parts)}
        return (json.dumps(values, indent=1, sort_keys=True) + "\n").encode()


@dataclass(frozen=True, slots=True)
class MapName:
    """What the folder of a map is called, taken apart."""

    commit: Sha
    environment: str
    branch: bool
    measured_at: int


def parse_name(name: str) -> MapName:
    """The name of a map's folder, taken apart.

    Raises:
        CopydeskError: It is none ("map-refused").
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise refused(f"a map called {name[:80]!r}")
    return MapName(match[1], match[2], match[3] == "b", int(match[4]))


def parse_about(content: bytes, name: str) -> About:
    """What a map says of itself.

    Args:
        content: The file.
        name: The map's folder, which says the same.

    Raises:
        CopydeskError: It is not what `to_json` makes, of another format, or another map's
            ("map-refused").
    """
    try:
        values = json.loads(content)
        format_version = values["format"]
        if format_version != FORMAT:
            raise refused(
                f"it is of format {str(format_version)[:20]!r}, and this copydesk reads {FORMAT}"
            )
        about = _about(values)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise refused("what it says of itself cannot be read") from error
    if about.name != name:
        raise refused(f"{name[:80]!r} says that it is {about.name[:80]!r}")
    return about


def _about(values: dict[str, Any]) -> About:
    parts = values["parts"]
    if not isinstance(parts, dict) or len(parts) > MAX_PARTS:
        raise refused("the parts of its environment cannot be read")
    rests_on = values["rests_on"]
    if not isinstance(rests_on, list) or len(rests_on) > MAX_PARTS:
        raise refused("what it rests on cannot be read")
    counts = [values[name] for name in ("tests", "failed", "executable", "covered")]
    tests, failed, executable, covered = checked_numbers(counts, least=0)
    (measured_at,) = checked_numbers([values["measured_at"]], least=0)
    return About(
        checked_text(values["commit"]),
        checked_text(values["environment"]),
        values["branch"] is True,
        {checked_text(k): checked_text(v, most=MAX_PART) for k, v in parts.items()},
        one_line(checked_text(values["measured_by"]), 120),
        measured_at,
        tests,
        failed,
        executable,
        covered,
        tuple(one_line(checked_text(who), 120) for who in rests_on),
        one_line(checked_text(values["tool"], most=MAX_TEXT), 40),
    )


def differing_parts(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """The names of the parts in which two environments differ; a package counts by its own name.

    Returns:
        Such as "platform", or "distributions:click" for a package.
    """
    names = set()
    for part in one.keys() | other.keys():
        before, after = one.get(part, ""), other.get(part, "")
        if before == after:
            continue
        if part != "distributions":
            names.add(part)
            continue
        for package in set(before.split("\n")) ^ set(after.split("\n")):
            names.add(f"distributions:{package.partition('==')[0]}")
    return sorted(names)


def accepts(accepted: list[str], differing: list[str]) -> bool:
    """Whether somebody who accepts some parts accepts that an environment differs in others."""
    return all(part in accepted or part.partition(":")[0] in accepted for part in differing)

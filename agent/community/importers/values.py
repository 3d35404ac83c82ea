"""Single values of exports, read with suspicion: anything may stand where they should."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

JsonObject: TypeAlias = Mapping[str, Any]

LONGEST_TEXT = 100_000
"""Characters of a message that are kept; Discord's limit is 4,000, GitHub's 65,536."""

LARGEST_COUNT = 2**53


class UnreadableError(ValueError):
    """A record lacks what a message cannot be without. The text says what."""


def object_of(value: object) -> JsonObject:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def objects_of(value: object) -> list[JsonObject]:
    """The JSON objects of a list; none if it is no list."""
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, Mapping)]


def text_of(value: object) -> str:
    """A text as it stands, a number as its digits, anything else as ""."""
    if isinstance(value, str):
        # a lone surrogate of an escaped "\ud83d" can be stored nowhere
        return value[:LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8").replace("\0", "")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)[:40] if abs(value) < 10**40 else ""
    return ""


def id_of(record: JsonObject, key: str) -> str:
    """The id under a key.

    Raises:
        UnreadableError: It is missing, empty or no id.
    """
    identity = text_of(record.get(key)).strip()
    if not identity or len(identity) > 500:
        raise UnreadableError(f"it has no usable {key}")
    return identity


def count_of(value: object) -> int:
    """A count as a whole number from 0; 0 for anything that is none."""
    if isinstance(value, str):
        value = value.strip()
        if not re.fullmatch(r"\d{1,16}", value, re.ASCII):
            return 0
        return min(int(value), LARGEST_COUNT)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return 0
    return int(min(max(value, 0), LARGEST_COUNT))


def time_of(value: object) -> datetime:
    """A time in UTC from ISO 8601 (any offset, 0 to 9 digits of a second) or Unix seconds.

    A time without an offset counts as UTC.

    Raises:
        UnreadableError: It is no time, or one before 1990 or after 2200.
    """
    moment = optional_time_of(value)
    if moment is None:
        raise UnreadableError(f"its time is unreadable: {str(value)[:60]!r}")
    return moment


def optional_time_of(value: object) -> datetime | None:
    """Like `time_of`, with None for what is no time."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value.strip())
        elif isinstance(value, int | float) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(value, UTC)
        else:
            return None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        utc = aware.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return utc if 1990 <= utc.year <= 2200 else None

"""When a file was written, for exports that do not say when they were made."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path


def file_time(path: Path) -> datetime:
    """The time of the last change of a file, to the second, in UTC."""
    return datetime.fromtimestamp(int(path.stat().st_mtime), UTC)

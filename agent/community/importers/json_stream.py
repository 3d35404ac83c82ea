"""JSON files of any size, read record by record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from copydesk.agent.community.importers.values import UnreadableError

_UTF8_MARK = b"\xef\xbb\xbf"


def open_json(path: Path) -> IO[bytes]:
    """The file, open after the byte order mark that some editors put first.

    Raises:
        UnreadableError: It is UTF-16 or UTF-32, which JSON files may not be.
        OSError: It cannot be read.
    """
    file = path.open("rb")
    start = file.read(3)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in start:
        file.close()
        raise UnreadableError("it is not UTF-8; save it as UTF-8 and import it again")
    file.seek(3 if start == _UTF8_MARK else 0)
    return file


def stream_items(path: Path, prefix: str) -> Iterator[Any]:
    """The values that stand at a prefix (ijson's notation), one at a time.

    A file may hold several JSON documents one after the other, as `gh api --paginate` writes.

    Raises:
        UnreadableError: The JSON breaks off or is malformed; what came before was yielded.
    """
    import ijson

    with open_json(path) as file:
        try:
            yield from ijson.items(file, prefix, use_float=True, multiple_values=True)
        except (ijson.JSONError, ValueError, OverflowError) as error:
            raise UnreadableError(f"the JSON is damaged from here on: {_reason(error)}") from error


def stream_events(path: Path) -> Iterator[tuple[str, str, Any]]:
    """ijson's events (prefix, event, value) of a file, from its start.

    Raises:
        UnreadableError: The JSON breaks off or is malformed.
    """
    import ijson

    with open_json(path) as file:
        try:
            yield from ijson.parse(file, use_float=True, multiple_values=True)
        except (ijson.JSONError, ValueError, OverflowError) as error:
            raise UnreadableError(f"the JSON is damaged: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:120] if lines else type(error).__name__

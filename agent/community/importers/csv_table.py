"""Comments in a table: CSV with a header, separated by commas, semicolons or tabs.

The columns are `id, parent_id, thread_url, author, created_at, text, likes`, in any order; only
`created_at` and `text` have to be there. Columns of other names are not read.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from copydesk.agent.community.importers.file_time import file_time
from copydesk.agent.community.importers.values import (
    UnreadableError,
    count_of,
    text_of,
    time_of,
)
from copydesk.agent.community.message import (
    Author,
    BadRecord,
    Message,
    Reaction,
    Record,
    Thread,
)

REQUIRED = frozenset({"created_at", "text"})
_SEPARATORS = ",;\t"
_LONGEST_FIELD = 10_000_000


def header_of(line: str) -> list[str]:
    """The names of the columns in a header line, in lower case; [] if it is no header of ours."""
    names = [name.strip().strip('"').lower() for name in line.strip().split(separator_of(line))]
    return names if set(names) >= REQUIRED else []


def separator_of(line: str) -> str:
    """What separates the columns of a header line."""
    return max(_SEPARATORS, key=line.count)


def read_csv(path: Path) -> Iterator[Record]:
    """The comments of a table, a row each. The time of the file is the time of the export."""
    as_of = file_time(path)
    csv.field_size_limit(_LONGEST_FIELD)
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        header = file.readline()
        names = header_of(header)
        rows = csv.reader(file, delimiter=separator_of(header))
        while True:
            try:
                row = next(rows, None)
                if row is None:
                    return
                if any(row):
                    yield _comment(dict(zip(names, row, strict=False)), as_of)
            except (UnreadableError, csv.Error) as error:
                yield BadRecord(f"line {rows.line_num + 1}", str(error))


def _comment(row: dict[str, str], as_of: datetime) -> Message:
    values = {name: text_of(value).strip() for name, value in row.items()}
    if "text" not in values:
        raise UnreadableError("it has fewer columns than the header")
    url = values.get("thread_url", "")
    author = values.get("author", "")
    created_at = time_of(values.get("created_at"))
    likes = count_of(values.get("likes"))
    content = "\0".join((url, author, created_at.isoformat(), values["text"]))
    generated_id = hashlib.sha256(content.encode()).hexdigest()[:20]
    # rows of two threads may have the same number
    identity = f"{url} {values['id']}".strip() if values.get("id") else generated_id
    parent = values.get("parent_id", "")
    return Message(
        source="csv",
        id=identity,
        thread=Thread(url or "unknown", url=url),
        parent_id=f"{url} {parent}".strip() if parent else "",
        author=Author(author, author),
        created_at=created_at,
        text=values["text"],
        as_of=as_of,
        reactions=(Reaction("👍", likes),) if likes else (),
    )

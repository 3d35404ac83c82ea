"""What many messages cost: import, labels, topics and the report's section, and bytes on the desk.

python bench/feedback.py [MESSAGES]
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from copydesk.agent.community.import_files import import_file
from copydesk.agent.community.label_messages import label_messages
from copydesk.agent.community.priority import Constants
from copydesk.agent.community.report_section import community_facts
from copydesk.agent.community.topics import rank_topics, save_tags
from copydesk.agent.desk.store import open_desk
from copydesk.agent.progress import silent

_WORDS = (
    *("save", "file", "autosave", "editor", "theme", "dark", "crash", "map", "large", "plugin"),
    *("release", "thanks", "great", "please", "add", "option", "could", "would", "how", "does"),
    *("it", "work", "with", "the", "new", "version", "on", "linux", "windows", "slow", "fast"),
    *("error", "when", "i", "open", "close", "window", "button", "list", "export", "import"),
    *("discord", "story", "test", "coverage", "nice", "love"),
)


def write_export(path: Path, count: int) -> int:
    """Write an export of a channel over two years; returns the bytes of its texts."""
    chance = random.Random(1)
    start = datetime.now(UTC) - timedelta(days=730)
    size = 0
    with path.open("w", encoding="utf-8") as file:
        file.write('{"guild":{"id":"1","name":"g"},"channel":{"id":"2","name":"talk"},"messages":[')
        for number in range(count):
            text = " ".join(chance.choices(_WORDS, k=chance.randint(4, 30)))
            text += chance.choice("?..!")
            size += len(text)
            at = start + timedelta(seconds=number * 730 * 86_400 / count)
            author = str(chance.randint(1, 2_000))
            record = {
                "id": str(10**17 + number),
                "type": "Default",
                "timestamp": at.isoformat(),
                "content": text,
                "author": {"id": author, "name": f"n{author}", "nickname": f"N{author}"},
                "reactions": [{"emoji": {"name": "👍"}, "count": 2}] if number % 9 == 0 else [],
            }
            file.write(("," if number else "") + json.dumps(record))
        file.write("]}")
    return size


def main(count: int) -> None:
    """Print what each step took."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.json"
        text_bytes = write_export(path, count)
        with open_desk(Path(folder) / "desk") as db:
            before = _size(Path(folder) / "desk")
            with _timed("import", count):
                import_file(db, path, names=False, complete=True, progress=silent)
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            grown = _size(Path(folder) / "desk") - before
            print(f"desk: {(grown - text_bytes) / count:.0f} bytes a message beyond its text")
            with _timed("labels", count):
                label_messages(db, silent)
            save_tags(db, {"saving": ("save file", "autosave"), "theme": ("dark",)})
            now = time.time()
            with _timed("topics"):
                rank_topics(db, now, Constants())
            with _timed("report"):
                community_facts(db, now, Constants())


@contextmanager
def _timed(name: str, count: int = 0) -> Iterator[None]:
    """Print the seconds of a step, of CPU and by the clock, or the messages in one of them."""
    clock, processor = time.perf_counter(), time.process_time()
    yield
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    if count:
        print(
            f"{name}: {count / processor:,.0f} messages a CPU second, {count / clock:,.0f} a second"
        )
    else:
        print(f"{name}: {processor:.2f} CPU seconds, {clock:.2f} s")


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)

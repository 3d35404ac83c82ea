"""Import real exports, and hold what came in beside a count that shares no code with the importers.

    python bench/real_exports.py FILES...

FILES are exports, such as those in slatinsky/DiscordChatExporter-frontend (release/exports),
WPTT/theme-unit-test and WordPress/wordpress-importer (phpunit/data, e2e/fixtures; some of them are
broken on purpose) and quarnster/SublimeClang (issues). They are not ours and are not kept here.

A file counts as wrong if fewer or more messages are read than counted and nothing is named as
unreadable.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

from copydesk.agent.community.import_files import import_file
from copydesk.agent.desk.store import open_desk
from copydesk.agent.progress import silent


def independent_count(path: Path) -> tuple[str, int]:
    """The kind of an export and how many messages it holds, without the importers."""
    data = path.read_bytes()
    if path.suffix == ".xml":
        if b"disqus" in data[:2000]:
            return "disqus", len(re.findall(rb"<post [^>]*dsq:id", data))
        return "wordpress", len(re.findall(rb"<wp:comment>", data))
    document = json.loads(data)
    if isinstance(document, list):
        return "github", len(document)
    return "discord", len(document.get("messages", []))


def main(paths: list[Path]) -> int:
    """Print the counts by kind, and the files that are wrong; 1 if there are any."""
    counts: Counter[tuple[str, str]] = Counter()
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, open_desk(Path(folder) / "desk") as db:
        for path in paths:
            kind, expected = independent_count(path)
            imported = import_file(db, path, names=False, complete=True, progress=silent)
            counts[kind, "files"] += 1
            counts[kind, "counted"] += expected
            counts[kind, "new"] += imported.new
            counts[kind, "read"] += imported.messages
            counts[kind, "unreadable"] += imported.bad_count
            if imported.messages == expected:
                continue
            wrong += not imported.bad_count
            what = imported.error or f"{imported.messages} read; {imported.bad[:1]}"
            print(f"{path.name}: {expected} counted, {what}"[:200])
    for kind in sorted({kind for kind, _ in counts}):
        words = ("files", "counted", "read", "unreadable", "new")
        print(f"{kind}: " + ", ".join(f"{counts[kind, word]} {word}" for word in words))
    print(f"{wrong} files differ")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))

"""How well the code that messages name is found, on real issue texts that were labelled by hand.

    python bench/code_join.py TEXTS DJANGO SYMPY

TEXTS is a clone of nus-apr/auto-code-rover, whose results hold the issue texts of SWE-bench
(`.../django__django-11099_.../problem_statement.txt`). DJANGO is a folder with the source of
Django 4.0, SYMPY one with the source of SymPy (commit e950d313a9). Most issues are of other
versions, as readers' messages are. The texts are not kept here: code_join_labels.csv has the part
("dev" was looked at while the rules were mended, "test" was labelled afterwards), the project, the
number, the start of a SHA-256 of the text, the names that the writer means by it, and the frames of
tracebacks that go through the project, as path:function.

A name is found if a mention of it has a place, ambiguous or not. A frame is found if its file is;
its function is the one that the traceback names, one of those of that name, the one around it, or
none. Words of error messages are not counted.
"""

from __future__ import annotations

import csv
import hashlib
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

from copydesk.agent.community.code_mentions import CodeIndex, Mention, names_in

LABELS = Path(__file__).with_name("code_join_labels.csv")
_TEXT = re.compile(r"/(django|sympy)__\w+-(\d+)_[^/]+/problem_statement\.txt$")
_FRAME = re.compile(r'File "(?P<path>.+)", line \d+(?:, in (?P<name>\S+))?$')


def texts_of(clone: Path) -> dict[tuple[str, str], str]:
    """The issue texts, by project and number."""
    git = ["git", "-C", str(clone)]
    paths = subprocess.run([*git, "ls-tree", "-r", "--name-only", "HEAD"], capture_output=True)
    texts = {}
    for path in paths.stdout.decode().splitlines():
        match = _TEXT.search(path)
        if match and (match[1], match[2]) not in texts:
            shown = subprocess.run([*git, "show", f"HEAD:{path}"], capture_output=True, check=True)
            text = shown.stdout.decode("utf-8", "replace")
            texts[match[1], match[2]] = text.replace("\r\n", "\n")
    return texts


def index_of(folder: Path) -> CodeIndex:
    """The names of a source tree; those of its tests are left out."""
    files = {}
    others = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        is_test = "/tests/" in name or name.startswith("tests/")
        if path.suffix == ".py" and path.is_file() and not is_test:
            files[name] = names_in(path.read_text("utf-8", "replace"))
        elif path.is_file():
            others.append(name)
    return CodeIndex(files, others)


def judge_names(mentions: list[Mention], names: set[str], counts: Counter[str]) -> None:
    """Count the names that are right, wrong and missed; those of frames are counted as frames."""
    named: set[str] = set()
    in_frames: set[str] = set()
    for mention in mentions:
        if mention.kind in ("function", "class"):
            named.add(mention.words.rpartition(".")[2])
        elif mention.kind in ("file", "option"):
            named.add(mention.words)
        elif mention.kind == "frame":
            in_frames.update(place.function.rpartition(".")[2] for place in mention.places)
    counts["names right"] += len(named & names)
    counts["names wrong"] += len(named - names - in_frames)
    counts["names missed"] += len(names - named - in_frames)


def judge_frames(mentions: list[Mention], frames: set[str], counts: Counter[str]) -> None:
    """Count the frames that are right, wrong and missed."""
    found: set[str] = set()
    for mention in mentions:
        match = _FRAME.match(mention.words) if mention.kind == "frame" else None
        if match is None:
            continue
        path = match["path"].replace("\\", "/")
        frame = next((each for each in frames if path.endswith(each.partition(":")[0])), None)
        key = f"{mention.places[0].path}:{match['name'] or ''}"
        found_before = set(found)
        found.add(key)
        if key not in found_before:
            counts["frames right" if frame and key in frames else "frames wrong"] += 1
        if not mention.places[0].function:
            counts["of these by file only"] += 1
    counts["frames missed"] += len(frames - found)


def main(texts: Path, folders: dict[str, Path]) -> None:
    """Print precision and recall of names and of frames."""
    indexes = {project: index_of(folder) for project, folder in folders.items()}
    issues = texts_of(texts)
    parts: dict[str, Counter[str]] = defaultdict(Counter)
    with LABELS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            text = issues[row["project"], row["id"]]
            if hashlib.sha256(text.encode()).hexdigest()[:8] != row["hash"]:
                continue
            mentions = indexes[row["project"]].mentions(text)
            for part in (row["part"], "both"):
                parts[part]["texts"] += 1
                judge_names(mentions, set(row["names"].split()), parts[part])
                judge_frames(mentions, set(row["frames"].split()), parts[part])
    for part, counts in parts.items():
        show(part, counts)


def show(part: str, counts: Counter[str]) -> None:
    """Print precision and recall of a part."""
    print(f"{part}: {counts['texts']} texts")
    for kind in ("names", "frames"):
        right, wrong, missed = (counts[f"{kind} {word}"] for word in ("right", "wrong", "missed"))
        print(
            f"  {kind}: {right} right, {wrong} wrong, {missed} missed;"
            f" precision {right / (right + wrong):.3f}, recall {right / (right + missed):.3f}"
        )
    print(f"  frames known by their file only: {counts['of these by file only']}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), {"django": Path(sys.argv[2]), "sympy": Path(sys.argv[3])})

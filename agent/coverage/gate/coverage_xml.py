"""Coverage reports in Cobertura's XML, read fast: what coverage.py, gcovr and others write."""

from __future__ import annotations

import re
from collections.abc import Mapping

from copydesk.agent.coverage.gate.file_hits import FileHits

_TAKEN = rb' branch="true" condition-coverage="\d+% \(\d+/\d+\)"(?: missing-branches="[^"<&]*")?'


_LINE = rb'<line number="\d+" hits="\d+"(?:' + _TAKEN + rb")?/>"


_PLAIN = re.compile(rb"<lines>((?:\s*+" + _LINE + rb")*+)\s*+</lines>")


_HITS = re.compile(rb'<line number="(\d+)" hits="(\d+)"')


_BRANCHES = re.compile(rb'number="(\d+)" hits="\d+" branch="true" .*?\((\d+)/(\d+)\)')


_KEPT = "copydesk-kept"


def from_xml(raw: bytes, encoding: str | None) -> tuple[dict[str, FileHits], list[str]]:
    """The files and roots of a Cobertura report, as coverage.py and others write it.

    https://cobertura.github.io/cobertura/. A large project has some hundred thousand lines, and
    each is two calls out of the parser. So lists of lines in the very form that coverage.py writes
    are put aside before, and read by a regular expression where the parser comes to their place.
    `encoding` is used whatever the report says of itself.
    """
    # a fortieth of a second, and other formats need none of it
    from xml.parsers import expat

    kept: list[bytes] = []

    def keep(match: re.Match[bytes]) -> bytes:
        kept.append(match[1])
        return b'<lines %b="%d"/>' % (_KEPT.encode(), len(kept) - 1)

    files: dict[str, FileHits] = {}
    roots: list[str] = []
    place: list[str] = []
    file = FileHits()
    counts = False

    def begin(tag: str, given: dict[str, str]) -> None:
        nonlocal file, counts
        if tag == "line":
            if counts:  # else a method's, which the class repeats
                _add_line(file, given)
            return
        if tag == "class":
            file = files.setdefault(given["filename"], FileHits())
        elif tag == "lines":
            counts = place[-1:] == ["class"]
            if counts and kept and _KEPT in given:
                _add_kept(file, kept[int(given[_KEPT])])
        elif tag == "source" and place == ["coverage", "sources"]:
            parser.CharacterDataHandler = roots.append
        elif not place and tag != "coverage":
            raise ValueError(f"its root is <{tag[:40]}>, not <coverage>")
        place.append(tag)

    def end(tag: str) -> None:
        nonlocal counts
        if tag == "line":
            return
        place.pop()
        if tag == "lines":
            counts = False
        elif tag == "source":
            parser.CharacterDataHandler = None

    def refuse(*_: object) -> None:
        # a parser expands entities, and a small file can grow to gigabytes that way
        raise ValueError("it declares entities, which no coverage file needs")

    parser = expat.ParserCreate(encoding)
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.EntityDeclHandler = refuse
    parser.Parse(raw if _KEPT.encode() in raw else _PLAIN.sub(keep, raw), True)
    return files, [root.strip() for root in roots]


def _add_line(file: FileHits, given: Mapping[str, str]) -> None:
    number = int(given["number"])
    file.add(number, int(given["hits"]))
    if "condition-coverage" in given and given.get("branch", "").lower() == "true":
        taken, _, there = given["condition-coverage"].partition("(")[2].partition("/")
        if there:
            file.add_branches(number, int(there.rstrip(")")), int(taken))


def _add_kept(file: FileHits, lines: bytes) -> None:
    found = _HITS.findall(lines)
    hits = {int(number): int(count) for number, count in found}
    if file.hits or len(hits) < len(found):
        for number, count in found:
            file.add(int(number), int(count))
    else:
        file.hits = hits
    if b"branch" in lines:
        for number, taken, there in _BRANCHES.findall(lines):
            file.add_branches(int(number), int(there), int(taken))

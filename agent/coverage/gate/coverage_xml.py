"""Coverage reports in Cobertura's XML, read fast: what coverage.py, gcovr and others write.

https://cobertura.github.io/cobertura/. A large project has some hundred thousand lines, and each
is two calls out of the parser. So lists of lines in the very form that coverage.py writes are put
aside before, and read by a regular expression where the parser comes to their place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from copydesk.agent.coverage.gate.line_counts import LineCounts

_BRANCH = rb' branch="true" condition-coverage="\d+% \(\d+/\d+\)"(?: missing-branches="[^"<&]*")?'
_LINE = rb'<line number="\d+" hits="\d+"(?:' + _BRANCH + rb")?/>"
_LINES = re.compile(rb"<lines>((?:\s*+" + _LINE + rb")*+)\s*+</lines>")
_HITS = re.compile(rb'<line number="(\d+)" hits="(\d+)"')
_BRANCHES = re.compile(rb'number="(\d+)" hits="\d+" branch="true" .*?\((\d+)/(\d+)\)')

_SUMS = (b"lines-valid", b"lines-covered")

_ASIDE = "copydesk-lines"
"""The attribute that names a list of lines that was put aside."""


def parse_xml(raw: bytes, encoding: str | None) -> tuple[dict[str, LineCounts], list[str]]:
    """Read a Cobertura report.

    Args:
        raw: Its text.
        encoding: Used whatever the report says of itself; None where that holds.

    Returns:
        What it says of each file by name, and the folders that it names as sources.

    Raises:
        ValueError: It is no such report, or declares entities.
    """
    report = _Report(encoding)
    report.parse(raw)
    return report.files, [source.strip() for source in report.sources]


def sums_of_xml(raw: bytes) -> tuple[int, int] | None:
    """How many lines a report says it counts, and how many of them were reached."""
    counts = [re.search(rb'<coverage[^>]* %b="(\d+)"' % name, raw) for name in _SUMS]
    valid, covered = (int(match[1]) if match else -1 for match in counts)
    return (valid, covered) if min(valid, covered) >= 0 else None


class _Report:
    """A report, element by element."""

    def __init__(self, encoding: str | None) -> None:
        # a fortieth of a second, and other formats need none of it
        from xml.parsers import expat

        self.files: dict[str, LineCounts] = {}
        self.sources: list[str] = []
        self._aside: list[bytes] = []
        self._open_tags: list[str] = []
        self._file = LineCounts()
        self._in_class_lines = False
        self._parser = expat.ParserCreate(encoding)
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.EntityDeclHandler = _refuse_entities

    def parse(self, raw: bytes) -> None:
        """Read all of it."""
        if _ASIDE.encode() not in raw:
            raw = _LINES.sub(self._put_aside, raw)
        self._parser.Parse(raw, True)

    def _put_aside(self, match: re.Match[bytes]) -> bytes:
        self._aside.append(match[1])
        return b'<lines %b="%d"/>' % (_ASIDE.encode(), len(self._aside) - 1)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "line":
            if self._in_class_lines:  # else a method's, which the class repeats
                _add_line(self._file, attributes)
            return
        if not self._open_tags and tag != "coverage":
            raise ValueError(f"its root is <{tag[:40]}>, not <coverage>")
        if tag == "class":
            self._file = self.files.setdefault(attributes["filename"], LineCounts())
        elif tag == "lines":
            self._start_lines(attributes)
        elif tag == "source" and self._open_tags == ["coverage", "sources"]:
            self._parser.CharacterDataHandler = self.sources.append
        self._open_tags.append(tag)

    def _start_lines(self, attributes: dict[str, str]) -> None:
        self._in_class_lines = self._open_tags[-1:] == ["class"]
        if self._in_class_lines and self._aside and _ASIDE in attributes:
            _add_lines(self._file, self._aside[int(attributes[_ASIDE])])

    def _end(self, tag: str) -> None:
        if tag == "line":
            return
        self._open_tags.pop()
        if tag == "lines":
            self._in_class_lines = False
        elif tag == "source":
            self._parser.CharacterDataHandler = None


def _refuse_entities(*_: object) -> None:
    # a parser expands entities, and a small file can grow to gigabytes that way
    raise ValueError("it declares entities, which no coverage file needs")


def _add_line(file: LineCounts, attributes: Mapping[str, str]) -> None:
    """Add one <line> element."""
    number = int(attributes["number"])
    file.add_hits(number, int(attributes["hits"]))
    coverage = attributes.get("condition-coverage", "")
    if attributes.get("branch", "").lower() == "true":
        taken, slash, total = coverage.partition("(")[2].partition("/")
        if slash and total:
            file.add_branches(number, int(total.rstrip(")")), int(taken))


def _add_lines(file: LineCounts, lines: bytes) -> None:
    """Add a list of <line> elements in the form of `_LINES`."""
    counts = _HITS.findall(lines)
    hits = {int(number): int(count) for number, count in counts}
    if file.hits or len(hits) < len(counts):
        for number, count in counts:
            file.add_hits(int(number), int(count))
    else:
        file.hits = hits
    if b"branch" in lines:
        for number, taken, total in _BRANCHES.findall(lines):
            file.add_branches(int(number), int(total), int(taken))

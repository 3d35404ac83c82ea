"""Coverage reports in lcov's form: geninfo(1), section "TRACEFILE FORMAT"."""

from __future__ import annotations

from copydesk.agent.coverage.gate.line_counts import LineCounts


def parse_lcov(raw: bytes) -> dict[str, LineCounts]:
    """Read an lcov tracefile; what it says of each file, by name.

    Raises:
        ValueError: It is none.
    """
    tracefile = _Tracefile()
    # whatever else may end a line stands in the name of a file
    for line in raw.decode("utf-8", "surrogateescape").split("\n"):
        key, _, value = line.removesuffix("\r").partition(":")
        tracefile.add_record(key.strip(), value)
    if not tracefile.files and raw.strip():
        raise ValueError("it names no source file")
    return tracefile.files


class _Tracefile:
    """A tracefile, record by record."""

    def __init__(self) -> None:
        self.files: dict[str, LineCounts] = {}
        self._file: LineCounts | None = None
        self._branches: dict[int, list[bool]] = {}  # of a line: whether each was taken

    def add_record(self, key: str, value: str) -> None:
        """Take in a line of the file: KEY:VALUE."""
        if key == "SF":
            self._file = self.files.setdefault(value, LineCounts())
            self._branches = {}
        elif self._file is None:
            if key not in ("", "TN"):
                raise ValueError("it does not start like an lcov file")
        elif key == "DA":
            number, hits = value.split(",")[:2]
            self._file.add_hits(int(number), max(0, int(hits)))
        elif key == "BRDA":
            number, _, fields = value.partition(",")
            taken = fields.rpartition(",")[2]
            self._branches.setdefault(int(number), []).append(taken not in ("-", "0"))
        elif key == "end_of_record":
            self._end_file(self._file)

    def _end_file(self, file: LineCounts) -> None:
        for line, taken in self._branches.items():
            file.add_branches(line, len(taken), sum(taken))
        self._file = None

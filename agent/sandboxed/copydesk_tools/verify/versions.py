"""Versions of the target, what came of their runs, and their text as the file has it.

Runs in the user's interpreter (3.9 or later); standard library only.
"""

from __future__ import annotations

import contextlib
import io
import json
import tokenize
from typing import Any

_Record = dict[str, Any]


class Version:
    """A version of the target to try.

    Args:
        kind: The kind of its record: "main", "unmutated", "reworded", "probe", "silent", "mutant"
            or a manner.
        text: The module; None for the one that is there.
        number: Of a mutant or a silent version.
        manner: In which other way the tests run: "otherwise", "another day", both, or "same day".
    """

    def __init__(
        self, kind: str, text: str | None, number: int | None = None, manner: str = ""
    ) -> None:
        self.kind, self.text, self.number, self.manner = kind, text, number, manner

    def record(self, run: Run) -> _Record:
        """What is reported of it."""
        reports = run.reports if self.kind == "silent" else [[*r[:3], ""] for r in run.reports]
        fields: _Record = {"ended": run.ended, "reports": reports, "seconds": run.seconds}
        fields["asked"] = run.asked
        if self.number is not None:
            fields[self.kind] = self.number
        return fields


class Run:
    """What came of one run.

    Attributes:
        records: What it said.
        ended: "done", "broken" (nothing could be collected), "timeout" or "lost".
        seconds: How long it took, all in all.
    """

    def __init__(self, records: list[_Record], ended: str, seconds: float) -> None:
        self.records, self.ended, self.seconds = records, ended, round(seconds, 4)
        if ended == "done" and any(record.get("kind") == "broken" for record in records):
            self.ended = "broken"

    @property
    def reports(self) -> list[Any]:
        """How the tests went, phase by phase."""
        entries = [r.get("report") for r in self.records if r.get("kind") == "report"]
        return [entry for entry in entries if isinstance(entry, list)]

    @property
    def asked(self) -> list[Any]:
        """What a human is to be asked about, in words."""
        lists = [r.get("asked") for r in self.records if r.get("kind") in ("outside", "alone")]
        return [words for said in lists if isinstance(said, list) for words in said]

    @property
    def is_clean(self) -> bool:
        """Whether all passed, and nothing outside of the project was reached for."""
        if self.ended != "done" or self.code != 0:
            return False
        return any(r.get("kind") == "outside" and not r.get("said") for r in self.records)

    @property
    def code(self) -> Any:
        """The code that the run ended with; None when it did not come to its end."""
        return self.records[-1].get("code") if self.ended in ("done", "broken") else None


def parsed(data: bytes) -> list[_Record]:
    """The records of a run: JSON objects, one a line; what is none is left out."""
    records = []
    for line in data.split(b"\n"):
        with contextlib.suppress(ValueError, RecursionError):
            record = json.loads(line)
            if isinstance(record, dict):
                records.append(record)
    return records


def is_whole(records: list[_Record]) -> bool:
    """Whether the last record says that it is, and none is missing or added."""
    numbers = [record.get("n") for record in records]
    return (
        bool(records) and records[-1].get("kind") == "end" and numbers == list(range(len(records)))
    )


def encoder(original: bytes) -> Any:
    """A function that writes a module's text as the original file is written."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(original).readline)
    except SyntaxError:
        encoding = "utf-8"
    newline = "\r\n" if b"\r\n" in original else "\n"
    if newline == "\n" and b"\r" in original:
        newline = "\r"

    def encode(text: str) -> bytes:
        return text.replace("\n", newline).encode(encoding, "surrogatepass")

    return encode


def filled(module: bytes, size: int) -> bytes:
    """A module's text with a remark at its end that makes it so many bytes long."""
    ended = module + (b"" if not module or module.endswith(b"\n") else b"\n")
    return ended + b"#".ljust(size - len(ended))

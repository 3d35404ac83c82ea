"""Has each version of the target tried in a run of its own, and writes the report.

Nothing of the project runs in this process, and its memory is out of reach of what is tested, so
the frame of the report is its word: which version was tried, which run ended, how long it took.
What a run says of its tests is a claim; run_report.py and the ladder judge it. A run cannot know
which version it has been given but by what the code does: all are started alike, in an order that
chance decides, and find the tree as it was but for the one file.

Runs in the user's interpreter (3.9 or later); standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

from ..elsewhere import settle
from . import STRANGER
from .fresh_tree import FreshTree
from .own_domain import adopt_orphans
from .versions import Run, Version, encoder, filled, is_whole, parsed

_Record = dict[str, Any]

MOST_SAID = 12 << 20
"""Bytes of records of one run."""
_MAIN_KINDS = frozenset({"ready", "imported", "broken", "collected", "alone", "report", "outside"})
_OF_EVERY_RUN = ("order", "guarded", "target", "source", "place", "variables")
_OF_A_TRACED_RUN = ("alone", "alone_seconds", "imports")
_ELSEWISE = "otherwise, another day"
"""The manner in which tests run in another place: with both differences at once."""
_MARGIN = 64
"""Bytes that a version has more than its text at least."""
_STARTS = 5
"""How many times as long as the first run took to collect a version may take for that."""


class Supervisor:
    """Does what the orders say.

    Args:
        control: Where the fork server listens.
        server: Its pid.
        report: The descriptor of the report.
        tools: The folder of this package; in a guarded run the untouched tree lies beside it.
    """

    def __init__(self, control: socket.socket, server: int, report: int, tools: str) -> None:
        adopt_orphans()
        self.control, self.server, self.report = control, server, report
        self.count = 0
        self.orders: _Record = json.loads(sys.stdin.buffer.read())
        if self.orders.get("place"):
            settle.toggle_repository()
            settle.age_files(os.path.dirname(self.orders["target"]) or ".")
        self.tree = self._tree(tools)
        self.encode = encoder(self.tree.as_it_was)
        self.room = self._room()
        self.main = Run([], "lost", 0.0)
        self.main_runs = False
        self.forwarded = 0
        self.is_ready = False
        self.stranger = str(random.SystemRandom().randrange(10**6, 10**7))

    def _tree(self, tools: str) -> FreshTree:
        guarded = bool(self.orders.get("guarded"))
        beside = os.path.dirname(tools)
        copies = [os.path.join(beside, name) for name in ("files", "tree")]
        originals = [path for path in copies if guarded and os.path.isdir(path)]
        temporary = ["/tmp", "/dev/shm"]
        if not guarded:
            folders = [os.environ.get(name, "") for name in ("TMPDIR", "HOME")]
            temporary = [folder for folder in folders if self._has_its_own(folder)]
        return FreshTree(self.orders["target"], originals, temporary)

    @staticmethod
    def _has_its_own(folder: str) -> bool:
        """Whether a temporary folder was made for this run: it lies beside the copy of the tree."""
        return os.path.dirname(os.path.realpath(folder)) == os.path.dirname(os.path.realpath("."))

    def work(self) -> int:
        """Try all versions; returns the code of the run that stands for the draft itself."""
        main = Version("main", None)
        if self.orders.get("alone"):
            code = self._write_main(self._run(main, None, traced=True))
            if self.main.is_clean:
                began = self.main.seconds - 2 * self._took()
                self._write("versions", collecting=round(max(began, 0.1), 4))
                results = self._try(self._versions(), max(began, 0.1))
                if _fails(results, "reworded"):  # by chance?
                    results.update(self._try([Version("unmutated", None)], max(began, 0.1)))
                self._write_results(results)
        else:
            # nothing tells the run that stands for the draft from the others
            results = self._try([main, *self._versions()], 0.0)
            code = self._write_main(results.pop(main))
            self._write_results(results)
            if _fails(results, _ELSEWISE):
                self._try_apart()
        if self.main.ended in ("done", "broken"):
            self._write("end", code=code)
        return code

    def _try_apart(self) -> None:
        """Find out which of the differences it is that the tests do not stand."""
        apart = [Version(name, None, manner=name) for name in _ELSEWISE.split(", ")]
        results = self._try(apart, 0.0)
        if _fails(results, "another day"):
            results.update(self._try([Version("same day", None, manner="same day")], 0.0))
        self._write_results(results)

    def _write_main(self, run: Run) -> int:
        """Report the run of the draft as it is, with the target as it is; returns its code."""
        self._forward(run.records[self.forwarded :])
        self.main = run
        return run.code if isinstance(run.code, int) else 1

    def _forward(self, records: list[_Record]) -> None:
        """Pass on what the run of the draft says, as a claim."""
        for record in records:
            fields = {name: value for name, value in record.items() if name not in ("kind", "n")}
            if record.get("kind") == "ready":
                self._write_ready(fields)
            elif record.get("kind") in _MAIN_KINDS:
                self._write(record["kind"], **fields)

    def _write_ready(self, fields: _Record) -> None:
        """Say once that pytest is up: should a run end everything, it was not pytest's fault."""
        if not self.is_ready:
            self.is_ready = True
            self._write("ready", **fields)

    def _write_results(self, results: dict[Version, Run]) -> None:
        for version, run in results.items():
            self._write(version.kind, **version.record(run))

    def _write(self, kind: str, **fields: Any) -> None:
        data = json.dumps({**fields, "n": self.count, "kind": kind}).encode() + b"\n"
        self.count += 1
        while data:
            data = data[os.write(self.report, data) :]

    # -- the versions

    def _versions(self) -> list[Version]:
        """What is to be tried besides; only the probe where the tests take long."""
        texts: dict[str, str | None] = self.orders.get("versions", {})
        silent = [
            Version("silent", text.replace(STRANGER, self.stranger), number)
            for number, text in enumerate(self.orders.get("silent", ()))
        ]
        if self.orders.get("alone") and self._took() > self.orders.get("quick_seconds", 0):
            return [*([Version("probe", texts["probe"])] if "probe" in texts else []), *silent]
        named = [*silent, *(Version(kind, text) for kind, text in texts.items())]
        named += [Version(name, None, manner=name) for name in self.orders.get("manners", ())]
        mutants = [
            Version("mutant", self._mutated(edit), number) for number, edit in self._reachable()
        ]
        return [*named, *mutants]

    def _room(self) -> int:
        """The bytes that each version of the target takes: its size is not to tell it."""
        texts = [*self.orders.get("versions", {}).values(), *self.orders.get("silent", ())]
        longest = max((len(self.encode(text)) for text in texts if text), default=0)
        edits = (len(self.encode(edit[2])) for edit in self.orders.get("mutants", ()))
        mutated = len(self.tree.as_it_was) + max(edits, default=0)
        return max(longest, mutated) + _MARGIN

    def _mutated(self, edit: list[Any]) -> str:
        start, end, text = edit[:3]
        source: str = self.orders["source"]
        mutated: str = source[:start] + text + source[end:]
        return mutated

    def _reachable(self) -> Iterator[Any]:
        """The mutants on lines that ran, as far as that was seen; at most so many."""
        most = self.orders.get("most", len(self.orders.get("mutants", ())))
        ran = self._lines_that_ran()
        for number, edit in enumerate(self.orders.get("mutants", ())):
            first, last = edit[3]
            if most and (ran is None or ran.intersection(range(first, last + 1))):
                most -= 1
                yield number, edit

    def _lines_that_ran(self) -> set[int] | None:
        """The lines that the first run saw reached; None where it did not look."""
        if not self.orders.get("alone"):
            return None
        lines: set[int] = set()
        for record in self.main.records:
            with contextlib.suppress(TypeError, ValueError):  # a claim may have any shape
                lines.update(abs(line) for arc in record.get("arcs", ()) for line in arc)
        return lines

    def _took(self) -> float:
        """The seconds that the tests took, each alone."""
        seconds = [r.get("seconds") for r in self.main.records if "arcs" in r]
        return sum(float(s) for s in seconds if isinstance(s, (int, float)))

    def _try(self, versions: list[Version], collecting: float) -> dict[Version, Run]:
        """Try versions in an order that chance decides, but mutants only while there is time.

        Args:
            versions: What to try.
            collecting: How long pytest took to come to the tests, where that is known.
        """
        random.SystemRandom().shuffle(versions)
        ends = time.monotonic() + self.orders.get("budget_seconds", 0)
        results = {}
        for version in versions:
            if version.kind != "mutant" or time.monotonic() < ends:
                seconds = self._seconds(version)
                limit = None if seconds is None else seconds + _STARTS * collecting
                results[version] = self._run(version, limit)
        return results

    def _seconds(self, version: Version) -> float | None:
        """How long the tests of a version may take."""
        if version.kind == "main":
            return None
        if not self.orders.get("alone"):
            return float(self.orders["version_seconds"])
        if version.kind in ("probe", "silent"):
            return float(self.orders["alone_seconds"])
        return max(1.0, 0.5 + 5 * self._took())

    # -- a run

    def _run(self, version: Version, seconds: float | None, *, traced: bool = False) -> Run:
        """Try one version of the target, in the tree as it was.

        Args:
            version: The version.
            seconds: How long it may take.
            traced: Run each test alone too, and see which lines it reaches.
        """
        text = version.text
        data = self.tree.as_it_was if text is None else self.encode(text)
        self.tree.lay(filled(data, self.room))
        request: _Record = {"short": not traced}
        for name in (*_OF_EVERY_RUN, *(_OF_A_TRACED_RUN if traced else ())):
            if name in self.orders:
                request[name] = self.orders[name]
        if version.manner:
            request["manner"] = version.manner
        if version.kind == "reworded":
            # a test that goes by the words that Python quotes of the source does not pass this
            request["source"] = re.sub(r"(?m)\S.*$", "...", self.orders["source"])
        began = time.monotonic()
        self.main_runs = version.kind == "main"
        records, ended = self._exchange(request, seconds)
        run = Run(records, ended, time.monotonic() - began)
        kill_descendants(self.server)
        self.tree.restore()
        return run

    def _exchange(self, request: _Record, seconds: float | None) -> tuple[list[_Record], str]:
        reading, writing = _pipe()
        shown, output = _pipe()
        try:
            line = json.dumps(request).encode() + b"\n"
            socket.send_fds(self.control, [line[:1]], [writing, output])
            self.control.sendall(line[1:])
        except OSError:
            os.close(reading)
            os.close(shown)
            return [], "lost"
        finally:
            os.close(writing)
            os.close(output)
        try:
            return self._listen(reading, shown, seconds)
        finally:
            os.close(reading)
            os.close(shown)

    def _hear(self, said: bytearray) -> None:
        """Pass on at once what is not to be lost when a run ends everything: that pytest is up,
        and all that the first run says.
        """
        lines = bytes(said).split(b"\n")[:-1]
        if self.orders.get("alone") and self.main_runs:
            self._forward(parsed(b"\n".join(lines[self.forwarded :])))
            self.forwarded = len(lines)
        elif not self.is_ready:
            self._forward(
                [
                    record
                    for record in parsed(b"\n".join(lines[:1]))
                    if record.get("kind") == "ready"
                ]
            )

    def _listen(self, reading: int, shown: int, seconds: float | None) -> tuple[list[_Record], str]:
        """Read what a run says and prints until it has ended or its time is over."""
        began = time.monotonic()
        said, answers = bytearray(), bytearray()
        timed_out = False
        while answers.count(b"\n") < 2:
            remaining = None if seconds is None else began + seconds - time.monotonic()
            overdue = remaining is not None and remaining <= 0
            if (overdue or len(said) > MOST_SAID) and not timed_out and b"\n" in answers:
                timed_out, seconds = True, None
                _kill(int(answers.split()[0]))
                continue
            if self._wait(reading, shown, said, 1 if overdue else remaining):
                chunk = self.control.recv(64)
                if not chunk:
                    return parsed(bytes(said)), "lost"
                answers += chunk
        self._take_the_rest(reading, shown, said)
        records = parsed(bytes(said))
        return records, _ended(records, timed_out)

    def _take_the_rest(self, reading: int, shown: int, said: bytearray) -> None:
        """Take what a run that has ended left in its pipes."""
        while _read(reading, said) or self._show(shown):
            pass

    def _wait(self, reading: int, shown: int, said: bytearray, seconds: float | None) -> bool:
        """Wait for what a run says or the fork server answers; whether the latter has answered."""
        answering = self.control.fileno()
        ready = select.select([reading, shown, answering], [], [], seconds)[0]
        ended = [s for s in (reading, shown) if s in ready and not self._take(s, shown, said)]
        if ended:  # what has nothing more to say is always ready
            others = [stream for stream in (reading, shown) if stream not in ended]
            ready = select.select([*others, answering], [], [], 1)[0]
        return answering in ready

    def _take(self, stream: int, shown: int, said: bytearray) -> bool:
        """Take what came from a run; whether there was anything."""
        if stream == shown:
            return self._show(shown)
        if _read(stream, said):
            self._hear(said)
            return True
        return False

    def _show(self, shown: int) -> bool:
        """Pass on what the run of the draft prints; what the others print is left out."""
        printed = bytearray()
        if not _read(shown, printed):
            return False
        with contextlib.suppress(BrokenPipeError):
            while printed and self.main_runs:
                del printed[: os.write(1, printed)]
        return True


def _fails(results: dict[Version, Run], kind: str) -> bool:
    """Whether the version of a kind was tried and not all was well with it."""
    return any(v.kind == kind and not run.is_clean for v, run in results.items())


def _pipe() -> tuple[int, int]:
    """A pipe whose end to read from does not wait."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    return reading, writing


def _ended(records: list[_Record], timed_out: bool) -> str:
    """How a run ended that was not cut off from here, or was for its time."""
    if timed_out:
        return "timeout"
    return "done" if is_whole(records) else "lost"


def _read(descriptor: int, into: bytearray) -> bool:
    """Read what is there; False when nothing is, or when nothing will come any more."""
    try:
        chunk = os.read(descriptor, 1 << 16)
    except BlockingIOError:
        return False
    into += chunk
    return bool(chunk)


# -- what a run leaves behind


def kill_descendants(but: int) -> None:
    """End all that came from this process except one child, orphans it has adopted included."""
    for _ in range(1000):
        others = children() - {but}
        if not others:
            return
        for pid in others:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(OSError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.001)


def children() -> set[int]:
    """The pids of this process's children; none where there is no /proc."""
    me = os.getpid()
    try:
        names = os.listdir("/proc")
    except OSError:
        return set()
    return {int(name) for name in names if name.isdigit() and _parent(name) == me}


def _parent(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def _kill(pid: int) -> None:
    """Kill a process that may be gone."""
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)

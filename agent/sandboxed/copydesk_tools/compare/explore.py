"""Try many calls of one version quickly, and say of each in a word what it did.

The words of two versions are compared elsewhere; calls with different ones are then made again, in
processes of their own. A call that hangs or dies costs itself alone.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, List, Set

from ..search.run import invoke, recorder, side_effects
from ..search.run.worker import MAX_STUCK, Lines
from ..search.values.call import Call, Json, Subject, call_to_json
from ..search.values.sample_files import FILES
from .calls_to_try import CallsToTry
from .describe import digest
from .outcome import outcome_of

MAX_EVENTS = 1_200_000
"""Lines of the project's code that one search may execute."""
MAX_WORKERS = 8
MAX_NEAR = 8
"""Calls that reach a change and are varied an argument at a time."""


class Exploration:
    """Tries the calls of one subject.

    Args:
        subject: What is called.
        guard: Refuses what a call may not reach for.
        calls: The calls.
        lines: The statements of the function, and the changed ones as its targets.
        top: The project's folder.
    """

    def __init__(
        self,
        subject: Subject,
        guard: side_effects.Guard,
        calls: CallsToTry,
        lines: Lines,
        top: str,
    ) -> None:
        self.subject, self.guard, self.calls, self.lines = subject, guard, calls, lines
        self.top = top
        self.tried: List[Json] = []
        self.refused: List[str] = []
        self.useful: Set[int] = set()
        self.close: Set[int] = set()
        self.hits: Set[int] = set()
        self.workers = MAX_WORKERS

    def run(self) -> List[Json]:
        """Try all calls.

        Returns:
            Of each call that could be compared: the `call`, its `word`, the changed lines that it
            `reached`, and a `path` that is the same for calls that went the same way.
        """
        skip = 0
        while skip >= 0 and self.workers > 0:
            self.workers -= 1
            skip = self._worker(skip)
        return self.tried

    def _worker(self, skip: int) -> int:
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            try:
                with os.fdopen(writer, "w") as out:
                    self._work(skip, out)
            finally:
                os._exit(0)
        os.close(writer)
        last = self._listen(pid, reader, skip)
        os.close(reader)
        recorder.end(pid)
        return last

    def _listen(self, pid: int, reader: int, skip: int) -> int:
        """Keep what a worker says; return where the next one goes on, -1 for nowhere."""
        buffer, last, is_heard = b"", skip, False
        while True:
            if not recorder.has_more(reader, pid):
                self.workers -= MAX_WORKERS // 2
                break
            chunk = os.read(reader, 1 << 16)
            if not chunk:
                break
            *messages, buffer = (buffer + chunk).split(b"\n")
            for message in messages:
                number, word = json.loads(message)
                if number < 0:
                    return -1
                is_heard, last = True, number + 1
                if word is not None:
                    self._keep(number, word)
        return last if is_heard else -1

    def _keep(self, number: int, word: Json) -> None:
        if "refused" in word:
            self.refused.append(str(word["refused"]))
            return
        if word.pop("is_new"):
            self.useful.add(number)
        if word.pop("is_near"):
            self.close.add(number)
        if word["reached"] and word["word"] != "misuse":
            self.hits.add(number)
        self.tried.append(word)

    def _work(self, skip: int, out: Any) -> None:
        reached: Set[Any] = set()
        events = stuck = 0
        targets = self.lines.targets
        stream = self.calls.stream
        stream.is_done = lambda: self.lines.possible <= reached
        state = side_effects.State(self.top, quick=True)
        with invoke.folder_with_files(True) as folder:
            self.guard.folder = os.path.realpath(folder)
            for number, call in enumerate(self.calls):
                if number < skip:
                    self._remember(number, call)
                    continue
                _say(out, number, None)
                run = self._try(call, folder, state)
                events += run.events
                stuck += isinstance(run.value, side_effects.GivenUp)
                features = self.lines.features(run.arcs)
                word = self._word(call, run, folder, features)
                if "refused" in word:
                    _say(out, number, word)
                else:
                    is_new = not features <= reached
                    reached |= features
                    is_near = is_new or (bool(features & targets) and len(stream.kept) < MAX_NEAR)
                    word.update(is_new=is_new, is_near=is_near)
                    _say(out, number, word)
                    if is_new:
                        self.useful.add(number)
                    if is_near:
                        self.close.add(number)
                    if word["reached"] and word["word"] != "misuse":
                        self.hits.add(number)
                    self._remember(number, call)
                if events > MAX_EVENTS or stuck >= MAX_STUCK:
                    break
        _say(out, -1, None)

    def _remember(self, number: int, call: Call) -> None:
        """Let what is tried next be made of a call that was of use."""
        if number in self.useful:
            self.calls.stream.kept.append(call)
        if number in self.close:
            self.calls.near.append(call)
        if number in self.hits:
            self.calls.reaching.append(call)

    def _try(self, call: Call, folder: Path, state: side_effects.State) -> invoke.Run:
        self.guard.patched = call.names_patched
        self.guard.active = True
        run = invoke.invoke(self.subject, call, folder)
        self.guard.active = False
        self.guard.touched = ""
        if state.changed():
            state.restore()
        return run

    def _word(self, call: Call, run: invoke.Run, folder: Path, features: Set[Any]) -> Json:
        outcome = outcome_of(self.subject, call, run, folder, shown=False)
        if outcome["kind"] in ("inputs", "given up"):
            return {"refused": outcome.get("why", "inputs that cannot be made")}
        _clean(folder)
        misuse = bool(outcome.get("misuse"))
        targets = reached_of(features & self.lines.targets)
        return {
            "call": call_to_json(call),
            "word": "misuse" if misuse else digest(_without_words(outcome)),
            "reached": targets,
            "path": digest(sorted(map(str, features)))[:8] if features else "",
        }


def reached_of(features: Set[Any]) -> List[int]:
    """What was reached as numbers: a line, or a line of a lambda that was called as a negative
    one.
    """
    return sorted(one if isinstance(one, int) else one[0] for one in features)


def _without_words(outcome: Json) -> Json:
    """An outcome without the words for people."""
    plain = {name: value for name, value in outcome.items() if name != "text"}
    plain["after"] = [after[:2] for after in outcome["after"]]
    return plain


def _clean(folder: Path) -> None:
    """Take away what a call wrote into the folder that all share."""
    for path in sorted(folder.rglob("*"), reverse=True):
        name = path.relative_to(folder).as_posix()
        if name in FILES:
            continue
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()
    for name, text in FILES.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != len(text.encode()):
            path.write_text(text)


def _say(out: Any, number: int, word: Json | None) -> None:
    out.write(json.dumps([number, word]) + "\n")
    out.flush()

"""Records the lines and arcs of one file, as coverage.py's own Python tracer does.

Runs in the user's interpreter (3.9 or later) beside pytest_plugin.py; standard library only.
"""

from __future__ import annotations

import dis
import os
import sys
import threading
import types
from typing import Any

RESUME = dis.opmap.get("RESUME")
YIELD_VALUE = dis.opmap["YIELD_VALUE"]
YIELD_FROM = dis.opmap.get("YIELD_FROM")  # until 3.10


class Tracer:
    """Lines and arcs of one file, as coverage.py's own Python tracer records them."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.known: dict[str, bool] = {}
        self.arcs: set[tuple[int, int]] = set()
        self.last: dict[int, int] = {}

    def is_target(self, filename: str) -> bool:
        """Whether a code object's file is the target, whichever way it was spelled."""
        if filename not in self.known:
            self.known[filename] = os.path.realpath(filename) == self.target
        return self.known[filename]

    def start(self) -> None:
        """Forget what was recorded and trace from here on, new threads included."""
        self.arcs, self.last = set(), {}
        threading.settrace(self.call)
        sys.settrace(self.call)

    def stop(self) -> list[tuple[int, int]]:
        """End tracing; returns the arcs, negative where they enter or leave a code object."""
        sys.settrace(None)
        threading.settrace(None)
        return sorted(self.arcs)

    def call(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        """The global trace function: asks for lines only in the target file."""
        if not self.is_target(frame.f_code.co_filename):
            return None
        code = frame.f_code
        # from 3.11 the instruction is a RESUME, whose argument tells a call from a generator's
        fresh = frame.f_lasti < 0 if RESUME is None else code.co_code[frame.f_lasti + 1] == 0
        self.last[id(frame)] = -code.co_firstlineno if fresh else frame.f_lineno
        return self.step

    def step(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        """The local trace function of a frame of the target file."""
        last = self.last.get(id(frame), -frame.f_code.co_firstlineno)
        if event == "line":
            self.arcs.add((last, frame.f_lineno))
            self.last[id(frame)] = frame.f_lineno
        elif event == "return":
            if not _suspends(frame):
                if frame.f_lineno != last and sys.version_info >= (3, 14):
                    self.arcs.add((last, frame.f_lineno))
                    last = frame.f_lineno
                self.arcs.add((last, -frame.f_code.co_firstlineno))
            self.last.pop(id(frame), None)
        return self.step


def _suspends(frame: types.FrameType) -> bool:
    """Whether a "return" event is a yield or an await: the frame will go on."""
    code, at = frame.f_code.co_code, frame.f_lasti
    if RESUME is None:
        return code[at] == YIELD_VALUE or (at + 2 < len(code) and code[at + 2] == YIELD_FROM)
    if len(code) <= at + 2:
        return False
    return code[at + 2 if code[at] == YIELD_VALUE else at] == RESUME

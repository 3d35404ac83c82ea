"""Threads with a desk of their own, so that nothing that takes long stands in the way of a key."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk

Work = Callable[[Database], Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a thread hands back: what to call in the screen's own thread, and with what."""

    call: Callable[[Any], None]
    value: Any


@dataclass(frozen=True, slots=True)
class _Request:
    work: Work
    then: Callable[[Any], None]
    failed: Callable[[Exception], None]
    topic: str


class DeskThread:
    """Does one piece of work after another on a desk.

    Args:
        desk: The folder of the desk.
        name: The thread's name.
        deliver: Hands an answer to the screen's thread; called from this one.
    """

    def __init__(self, desk: Path, name: str, deliver: Callable[[Answer], object]) -> None:
        self._desk = desk
        self._deliver = deliver
        self._requests: deque[_Request] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._busy = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def do(
        self,
        work: Work,
        then: Callable[[Any], None],
        failed: Callable[[Exception], None],
        *,
        topic: str = "",
    ) -> None:
        """Have something done.

        Args:
            work: Is given the desk; runs in this thread.
            then: Is given what it returned; runs in the screen's thread.
            failed: Is given what it raised; runs in the screen's thread.
            topic: What was asked for before under this name, and is not begun, is not wanted now.
        """
        with self._changed:
            if topic:
                others = [request for request in self._requests if request.topic != topic]
                self._requests = deque(others)
            self._requests.append(_Request(work, then, failed, topic))
            self._changed.notify()

    @property
    def is_idle(self) -> bool:
        """Whether everything that was asked for is done."""
        with self._changed:
            return not self._requests and not self._busy

    def stop(self, seconds: float) -> bool:
        """End after the work in hand; what was not begun is left.

        Args:
            seconds: How long to wait for that.

        Returns:
            Whether it ended.
        """
        with self._changed:
            self._stopping = True
            self._requests.clear()
            self._changed.notify()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            try:
                with open_desk(self._desk) as db:
                    self._work(db)
                return
            except Exception as error:  # a desk that cannot be opened now, or broke in use
                request = self._next()
                if request is None:
                    return
                self._deliver(Answer(request.failed, error))
                self._done()

    def _work(self, db: Database) -> None:
        while (request := self._next()) is not None:
            try:
                answer = Answer(request.then, request.work(db))
            except Exception as error:
                answer = Answer(request.failed, error)
            self._deliver(answer)
            self._done()

    def _next(self) -> _Request | None:
        with self._changed:
            while not self._requests and not self._stopping:
                self._changed.wait()
            if self._stopping:
                return None
            self._busy = True
            return self._requests.popleft()

    def _done(self) -> None:
        with self._changed:
            self._busy = False

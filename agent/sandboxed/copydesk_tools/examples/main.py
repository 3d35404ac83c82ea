"""Run pieces of code as at Python's prompt, and say what each gave.

Runs inside the sandbox, in the user's interpreter: a JSON request on standard input, a JSON report
on the file descriptor named by COPYDESK_REPORT_FD. Each piece runs in a process of its own, so one
that hangs or dies costs that one.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import select
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

TOOLS = str(Path(__file__).resolve().parents[2])
"""The folder in which the sandbox finds this package."""
LONGEST = 4000
"""Characters of a result; no longer one is ever shown."""


def main() -> int:
    """Answer one request: `codes` are run, `seconds` is what each may take."""
    request = json.loads(sys.stdin.buffer.read())
    report_fd = int(os.environ["COPYDESK_REPORT_FD"])
    os.set_inheritable(report_fd, False)
    sys.path[:] = [folder for folder in sys.path if os.path.realpath(folder or ".") != TOOLS]
    sys.stdin = io.StringIO("")
    sys.argv = ["python"]
    results = [_in_a_fork(code, request["seconds"], report_fd) for code in request["codes"]]
    with os.fdopen(report_fd, "wb") as out:
        out.write(json.dumps(results).encode())
    return 0


def _in_a_fork(code: str, seconds: float, report_fd: int) -> Any:
    """What a piece of code gave in a process of its own; None where that hung or died."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        os.close(report_fd)
        _quiet()
        text, raised = run(code)
        with contextlib.suppress(BaseException):
            os.write(writing, json.dumps([text[:LONGEST], raised]).encode())
        os._exit(0)
    os.close(writing)
    try:
        return _read(reading, time.monotonic() + seconds)
    finally:
        os.close(reading)
        with contextlib.suppress(OSError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _quiet() -> None:
    """Keep what is printed past sys.stdout off the streams of this process."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _read(fd: int, until: float) -> Any:
    """The JSON that a child wrote before it ended; None where there is none."""
    read = b""
    while True:
        ready, _, _ = select.select([fd], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return None
        part = os.read(fd, 65536)
        if not part:
            break
        read += part
    try:
        return json.loads(read)
    except ValueError:
        return None


def run(code: str) -> tuple[str, bool]:
    """What a reader sees after the last statement: what was printed, and what came back.

    Returns:
        The text, and whether an exception ended it (its last line is the exception then).
    """
    out = io.StringIO()
    raised = False
    with contextlib.redirect_stdout(out):
        try:
            _execute(code)
        except BaseException as error:  # the user's code may raise anything at all
            raised = True
            out.write(traceback.format_exception_only(type(error), error)[-1])
    return out.getvalue().rstrip("\n"), raised


def _execute(code: str) -> None:
    """Run statements one after the other; show what expressions give."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for node in ast.parse(code).body:
        if isinstance(node, ast.Expr):
            value = eval(compile(ast.Expression(node.value), "<example>", "eval"), names)
            if value is not None:
                print(repr(value))
        else:
            exec(compile(ast.Module([node], []), "<example>", "exec"), names)

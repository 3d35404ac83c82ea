"""The probe with its modules compiled for the user's interpreter.

An installation of copydesk holds them compiled for its own Python at best, and the user's may be
another one, which would compile them anew in every run and in every Python that a test starts.
"""

from __future__ import annotations

import functools
import importlib.util
import marshal
import shutil
import struct
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from copydesk.agent.coverage.probe import PROBE
from copydesk.agent.coverage.runner.coverage_py import digest
from copydesk.agent.process import ProcessError, run
from copydesk.agent.records import Interpreter

PACKAGE = "copydesk_probe"

FORMER_SECONDS = 86_400
"""How long the probe of another copydesk is kept."""


def cached_probe(desk: Path, interpreter: Interpreter) -> Path:
    """The folder to put on the import path of the user's interpreter.

    Args:
        desk: The repository's desk, which keeps it. Tests behind a guard cannot write to it.
        interpreter: The user's. Should it be another one than it was, Python compiles again.
    """
    sources = {path: (PROBE / path).read_text("utf-8") for path in _source_paths()}
    home = desk / "probe"
    folder = home / digest([text for item in sources.items() for text in item])
    if not folder.is_dir():
        home.mkdir(parents=True, exist_ok=True)
        _remove_former(home)
        _write(sources, folder)
    compiled_mark = folder / f"{digest([str(interpreter.path), str(interpreter.version)])}.done"
    if not compiled_mark.exists():
        try:
            _compile(folder, interpreter)
        except ProcessError:
            return folder  # it works as well, only slower
        for path in (folder, *folder.rglob("*")):  # the sandbox's user must be able to read it
            path.chmod(0o755 if path.is_dir() else 0o644)
        compiled_mark.touch(0o644)
    return folder


def _source_paths() -> list[str]:
    """The files of the probe, by their paths in its folder: what lies on the user's import path."""
    package = sorted(path.name for path in (PROBE / PACKAGE).glob("*.py"))
    return ["sitecustomize.py", *(f"{PACKAGE}/{name}" for name in package)]


def _remove_former(home: Path) -> None:
    """Remove the probes of other versions of copydesk, but not of one whose daemon may run."""
    for former in home.iterdir():
        if time.time() - former.stat().st_mtime > FORMER_SECONDS:
            shutil.rmtree(former, ignore_errors=True)


def _write(sources: Mapping[str, str], folder: Path) -> None:
    """Write the files into a new folder, which is there all at once."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as partial:
        unfinished = Path(partial) / "probe"
        (unfinished / PACKAGE).mkdir(parents=True)
        for path, text in sources.items():
            (unfinished / path).write_text(text, "utf-8")
        unfinished.replace(folder)


def _compile(folder: Path, interpreter: Interpreter) -> None:
    """Compile a copy of the probe; unchecked, for what has other sources lies in another folder."""
    if interpreter.version[:2] != sys.version_info[:2]:
        words = ("-I", "-S", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")
        run([interpreter.path, *words, folder], timeout=60)
        return
    for path, code in _compiled_here().items():
        compiled = Path(importlib.util.cache_from_source(str(folder / path)))
        compiled.parent.mkdir(exist_ok=True)
        compiled.write_bytes(code)


@functools.cache
def _compiled_here() -> dict[str, bytes]:
    """The modules of the probe as this Python compiles them, by path.

    In the form of PEP 552, unchecked; Python sets the path right when it loads one.
    """
    compiled = {}
    for path in _source_paths():
        source = (PROBE / path).read_bytes()
        head = importlib.util.MAGIC_NUMBER + struct.pack("<I", 1)
        head += importlib.util.source_hash(source)
        code = compile(source, Path(path).name, "exec")
        compiled[path] = head + marshal.dumps(code)
    return compiled

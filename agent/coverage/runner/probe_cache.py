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
from pathlib import Path

from copydesk.agent.coverage.runner.coverage_py import PROBE, digest
from copydesk.agent.process import ProcessError, run
from copydesk.agent.records import Interpreter

FORMER_SECONDS = 86_400
"""How long the probe of another copydesk is kept."""


def probe(desk: Path, interpreter: Interpreter) -> Path:
    """The folder to put on the import path of the user's interpreter.

    Args:
        desk: The repository's desk, which keeps it. Tests behind a guard cannot write to it.
        interpreter: The user's. Should it be another one than it was, Python compiles again.
    """
    sources = {path.name: path.read_text("utf-8") for path in sorted(PROBE.glob("*.py"))}
    home = desk / "probe"
    folder = home / digest([text for item in sources.items() for text in item])
    if not folder.is_dir():
        home.mkdir(parents=True, exist_ok=True)
        for former in home.iterdir():  # of another copydesk, whose daemon may run still
            if time.time() - former.stat().st_mtime > FORMER_SECONDS:
                shutil.rmtree(former, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=home) as partial:
            made = Path(partial) / "probe"
            made.mkdir()
            for name, text in sources.items():
                (made / name).write_text(text, "utf-8")
            made.replace(folder)
    done = folder / f"{digest([str(interpreter.path), str(interpreter.version)])}.done"
    if not done.exists():
        try:
            _compile(folder, interpreter)
        except ProcessError:
            return folder  # it works as well, only slower
        for path in (folder, *folder.rglob("*")):  # the sandbox's user must be able to read it
            path.chmod(0o755 if path.is_dir() else 0o644)
        done.touch(0o644)
    return folder


def _compile(folder: Path, interpreter: Interpreter) -> None:
    """Compile a copy of the probe; unchecked, for what has other sources lies in another folder."""
    if interpreter.version[:2] != sys.version_info[:2]:
        words = ("-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")
        run([interpreter.path, *words, folder], timeout=60)
        return
    cache = folder / "__pycache__"
    cache.mkdir(exist_ok=True)
    for name, code in _here().items():
        (cache / f"{name}.{sys.implementation.cache_tag}.pyc").write_bytes(code)


@functools.cache
def _here() -> dict[str, bytes]:
    """The modules of the probe as this Python compiles them, by name.

    In the form of PEP 552, unchecked; Python sets the path right when it loads one.
    """
    found = {}
    for path in PROBE.glob("*.py"):
        source = path.read_bytes()
        head = (
            importlib.util.MAGIC_NUMBER + struct.pack("<I", 1) + importlib.util.source_hash(source)
        )
        found[path.stem] = head + marshal.dumps(compile(source, path.name, "exec"))
    return found

"""The probe with its modules compiled for the user's interpreter.

An installation of copydesk holds them compiled for its own Python at best, and the user's may be
another one, which would compile them anew in every run and in every Python that a test starts.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from copydesk.agent.coverage.engine import PROBE, digest
from copydesk.agent.process import ProcessError, run
from copydesk.agent.records import Interpreter


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
        shutil.rmtree(home, ignore_errors=True)  # of another copydesk
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home) as partial:
            made = Path(partial) / "probe"
            made.mkdir()
            for name, text in sources.items():
                (made / name).write_text(text, "utf-8")
            made.replace(folder)
    done = folder / f"{digest([str(interpreter.path), str(interpreter.version)])}.done"
    if not done.exists():
        # unchecked: what is compiled from other sources lies in another folder
        words = ("-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")
        try:
            run([interpreter.path, *words, folder], timeout=60)
        except ProcessError:
            return folder  # it works as well, only slower
        for path in (folder, *folder.rglob("*")):  # the sandbox's user must be able to read it
            path.chmod(0o755 if path.is_dir() else 0o644)
        done.touch(0o644)
    return folder

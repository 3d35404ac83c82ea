from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from copydesk.agent.coverage.probe import PROBE
from copydesk.agent.coverage.runner.probe_cache import cached_probe
from copydesk.agent.records import Interpreter

PYTHON = Interpreter(
    Path(sys.executable), sys.version_info[:3], Path(sys.prefix), Path(sys.base_prefix), "test"
)

ASK = (
    "from copydesk_probe import encoding as e; print(e.__cached__, e.numbits.__code__.co_filename)"
)


def test_the_probe_is_compiled_once_for_a_python(tmp_path: Path) -> None:
    folder = cached_probe(tmp_path, PYTHON)
    compiled = folder / f"copydesk_probe/__pycache__/encoding.{sys.implementation.cache_tag}.pyc"
    assert compiled.is_file()
    assert compiled.stat().st_mode & 0o777 == 0o644
    stamp = compiled.stat().st_mtime_ns
    assert cached_probe(tmp_path, PYTHON) == folder
    assert compiled.stat().st_mtime_ns == stamp
    said = subprocess.run(
        [sys.executable, "-B", "-c", ASK],
        env={"PYTHONPATH": str(folder)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.split() == [str(compiled), str(folder / "copydesk_probe/encoding.py")]


def test_another_python_compiles_it_itself(tmp_path: Path) -> None:
    other = Interpreter(PYTHON.path, (3, 99, 0), PYTHON.prefix, PYTHON.base_prefix, "test")
    names = [{p.name for p in cached_probe(tmp_path / n, one).rglob("*.pyc")}
             for n, one in (("other", other), ("same", PYTHON))]  # fmt: skip
    assert names[0] == names[1]
    assert len(names[0]) == len(sources(PROBE))


def test_a_probe_of_another_copydesk_is_taken_away(tmp_path: Path) -> None:
    former, recent = (tmp_path / "probe" / name for name in ("former", "recent"))
    for made in (former, recent):
        made.mkdir(parents=True)
    os.utime(former, (0, 0))
    folder = cached_probe(tmp_path, PYTHON)
    assert sorted(folder.parent.iterdir()) == sorted([folder, recent])
    assert sources(folder) == sources(PROBE)


def test_a_python_that_cannot_compile_it_reads_the_sources(tmp_path: Path) -> None:
    folder = cached_probe(tmp_path, broken())
    assert sources(folder) == sources(PROBE)
    (plugin,) = {(top / "copydesk_probe/plugin.py").read_text() for top in (folder, PROBE)}
    assert "def pytest_addoption" in plugin
    assert not list(folder.glob("*.done"))


def sources(probe: Path) -> set[str]:
    """What of a probe goes on the import path."""
    package = {f"copydesk_probe/{path.name}" for path in probe.glob("copydesk_probe/*.py")}
    return package | ({"sitecustomize.py"} if (probe / "sitecustomize.py").is_file() else set())


def broken() -> Interpreter:
    return Interpreter(Path("/bin/false"), (3, 99, 0), Path("/"), Path("/"), "test")

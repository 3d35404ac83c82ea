"""A newcomer's day with a real package from the package index, by the command line alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PACKAGE = "inflection==0.5.1"
TARGET = "inflection/__init__.py"
OLD = "    number = abs(int(number))\n"
NEW = '    if number == 0:\n        return "none"\n' + OLD
BIN = Path(sys.executable).parent


def run(cwd: Path, *words: str | Path, code: int = 0, **extra: str) -> str:
    env = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **extra}
    done = subprocess.run([str(w) for w in words], cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == code, (words, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The sdist of the package, unpacked and committed, with an environment of its own."""
    pip = [sys.executable, "-m", "pip"]
    fetched = subprocess.run(
        [*pip, "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", tmp_path, PACKAGE],
        capture_output=True,
        text=True,
    )
    if fetched.returncode:
        pytest.skip(f"the package index does not answer: {fetched.stderr[-200:]}")  # needs network
    [sdist] = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "out", filter="data")
    [top] = (tmp_path / "out").iterdir()
    subprocess.run([sys.executable, "-m", "venv", top / ".venv"], check=True)
    run(top, top / ".venv/bin/python", "-m", "pip", "install", "-q", "pytest")
    (top / ".gitignore").write_text(".venv\n__pycache__\n.pytest_cache\n")
    run(top, "git", "init", "-q")
    run(top, "git", "add", "-A")
    run(top, "git", "commit", "-qm", "import")
    return top


def test_a_normal_commit_ends_in_an_accepted_verified_test(package: Path) -> None:
    try:
        run(package, "copydesk", "init", "--yes")
        run(package, "pre-commit", "install")
        run(package, "git", "add", ".pre-commit-config.yaml")
        run(package, "git", "commit", "-qm", "hooks")
        source = (package / TARGET).read_text()
        assert OLD in source
        (package / TARGET).write_text(source.replace(OLD, NEW))
        run(package, "git", "add", TARGET)

        started = time.monotonic()
        run(package, "git", "commit", "-qm", "Say none for the ordinal of zero")
        assert time.monotonic() - started < 15  # pre-commit's own time, never the measure's

        run(package, "copydesk", "wait", "--timeout", "600")
        drafts = json.loads(run(package, "copydesk", "drafts", "--json"))
        line = next(
            n
            for n, text in enumerate((package / TARGET).read_text().splitlines(), 1)
            if '"none"' in text
        )
        verified = [
            d
            for d in drafts
            if d["evidence"].get("verdict") == "verified" and line in d["evidence"]["gained_lines"]
        ]
        assert verified
        assert any(d["kind"] == "devlog" for d in drafts)

        run(package, "copydesk", "accept", str(verified[0]["id"]))
        changed = run(package, "git", "status", "--porcelain").split()
        assert changed == ["M", "test_inflection.py"]
        run(package, package / ".venv/bin/python", "-m", "pytest", "-q")
    finally:
        run(package, "copydesk", "daemon", "stop")

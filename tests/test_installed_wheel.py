"""The wheel as a user has it: alone in a new environment, far from any checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ALL_TOPICS = """
import re
from click.testing import CliRunner
from copydesk.agent.cli.help import DOCS, pages
from copydesk.agent.cli.main import cli
text = (DOCS / "reference/messages.md").read_text("utf-8")
topics = [*re.findall(r"^### (\\S+)$", text, re.M), *pages()]
for topic in topics:
    ended = CliRunner().invoke(cli, ["help", topic])
    assert ended.exit_code == 0 and len(ended.output) > 60, (topic, ended.output)
print(len(topics))
"""


def run(*argv: str | Path, cwd: Path) -> str:
    """What a command printed; it must succeed."""
    variables = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    ended = subprocess.run(
        argv, cwd=cwd, env=variables, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a new environment with the wheel and what the demo needs."""
    folder = tmp_path_factory.mktemp("installed")
    build = (sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", ".")
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    pip = [folder / "venv/bin/python", "-m", "pip", "install", "--quiet", f"{wheel}[demo]"]
    # with the user's own settings of pip, which name the index
    subprocess.run(pip, cwd=folder, check=True, capture_output=True)
    return folder / "venv/bin"


def test_help_prints_every_message_and_page(programs: Path, tmp_path: Path) -> None:
    assert "**Cure.**" in run(programs / "copydesk", "help", "suite-broken", cwd=tmp_path)
    assert run(programs / "copydesk", "--version", cwd=tmp_path).startswith("copydesk")
    (tmp_path / "json.py").write_text("raise SystemExit('the current folder was imported')\n")
    assert int(run(programs / "python", "-I", "-c", ALL_TOPICS, cwd=tmp_path)) > 80


def test_the_demo_works(programs: Path, tmp_path: Path) -> None:
    said = run(programs / "copydesk", "demo", cwd=tmp_path)
    assert re.search(r"\d+(\.\d+)? ?%", said)
    assert "accept" in said

"""What the commands import that are asked many times a day: start-up is most of what they cost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
from copydesk.agent.cli.main import cli
try:
    cli(sys.argv[1:], prog_name="copydesk")
except SystemExit as end:
    assert not end.code, end.code
sys.stderr.write("\\n".join(sorted(sys.modules)))
"""

NEVER = (
    "copydesk.agent.cli.error_report",
    "copydesk.agent.coverage.measure",
    "copydesk.agent.coverage.report",
    "copydesk.agent.coverage.runner",
    "copydesk.agent.examples",
    "copydesk.agent.review.decisions",
    "copydesk.agent.review.edits",
    "copydesk.agent.sandbox",
    "copydesk.agent.stories",
    "copydesk.agent.testgen",
    "rich.console",
    "sqlite_utils",
    "xml",
)
"""What takes long to import, and none of these commands has a use for."""

MODEL = ("copydesk.agent.model", "copydesk.agent.daemon", "http.client", "ssl")
"""What `status` needs besides: it asks the model's server and the daemon how they are."""

OWN = {
    "--help": {"cli", "cli.main", "cli.options", "errors"},
    "drafts": {"cli", "config", "desk", "errors", "git", "process", "projects", "progress",
               "records", "review", "scoring", "source_text", "text"},
    "gaps": {"cli", "config", "coverage", "desk", "errors", "git", "process", "projects",
             "progress", "records", "review", "sandboxed", "source_text", "text"},
    "log": {"cli", "desk", "errors", "git", "process", "projects", "progress", "records",
            "review", "source_text", "text"},
}  # fmt: skip
"""The rooms of the agent that a command imports from; the whole modules where it is few."""


def imported(repo: Path, *words: str) -> set[str]:
    """The modules that a process has imported when a command has ended."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], cwd=repo, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    return set(ended.stderr.splitlines())


def within(modules: set[str], packages: tuple[str, ...]) -> list[str]:
    return sorted(m for m in modules if any(f"{m}.".startswith(f"{p}.") for p in packages))


@pytest.mark.parametrize("command", ["--help", "status", "drafts", "gaps", "log"])
def test_a_command_imports_nothing_that_it_has_no_use_for(
    measured_shop: Path, command: str
) -> None:
    modules = imported(measured_shop, command)
    forbidden = NEVER if command == "status" else (*NEVER, *MODEL)
    assert within(modules, forbidden) == []
    if command in OWN:
        prefix = "copydesk.agent."
        ours = {m.removeprefix(prefix) for m in modules if m.startswith(prefix)}
        rooms = ours if command == "--help" else {m.split(".")[0] for m in ours}
        assert rooms <= OWN[command]

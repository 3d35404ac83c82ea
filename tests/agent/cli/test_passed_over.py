"""A changed file that coverage.py passes over has a name wherever a verdict is shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.cli.doctor import _LOOKS
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import find
from copydesk.hooks import gate

Commit = Callable[..., str]
CODE = "def f(x):\n    return x\n"
FILES = {"a.py": CODE, "test_a.py": "from a import f\n\n\ndef test_f():\n    assert f(1) == 1\n"}
ODD: dict[str, tuple[bytes, str]] = {
    "old.py": (b"print 'one'\nx = 1\n", "coverage.py cannot parse it: "),
    "strange.py": (b"# coding: no-such-encoding\nx = 1\n", "coverage.py cannot "),
    "null.py": (b"x = 1\n\0\n", "coverage.py cannot parse it: "),
    "scripts/release.py": (CODE.encode(), "coverage.py saw nothing of it run"),
}
"""Files that coverage.py passes over, and how the reason begins."""


@pytest.fixture
def plain(repo: Path, git: Any) -> Path:
    """A repository whose tests run with this Python, without a sandbox."""
    git(repo, "config", "copydesk.python", sys.executable)
    git(repo, "config", "copydesk.sandbox", "off")
    git(repo, "config", "copydesk.ownTests", "plain")
    return repo


@pytest.fixture
def changed(run: Any, plain: Path, git: Any, commit: Commit) -> Path:
    """A measured repository whose last commit adds such files."""
    commit(plain, FILES)
    (plain / "scripts").mkdir()
    for name, (content, _) in ODD.items():
        (plain / name).write_bytes(content)
    git(plain, "add", "-A")
    git(plain, "commit", "-q", "-m", "odd")
    assert run(plain, "measure").exit_code == 0
    return plain


def test_every_verdict_names_it(
    run: Any, changed: Path, git: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = ("--base", "HEAD~1", "--fail-under", "0")
    verdict = json.loads(run(changed, "gate", *base, "--json").output)
    assert verdict["verdict"] == "fail"
    assert verdict["diff"]["unknown"].keys() == verdict["passed_over"].keys() == ODD.keys()
    for path, (_, reason) in ODD.items():
        assert verdict["passed_over"][path].startswith(reason)
    passing = json.loads(run(changed, "gate", *base, "--unknown", "pass", "--json").output)
    assert passing["verdict"] == "unknown"
    again = json.loads(run(changed, "gate", *base, "--unknown", "measure", "--json").output)
    assert again["passed_over"] == verdict["passed_over"]
    report = ("report", "--format")
    said = [run(changed, *report, form).output for form in ("json", "md")]
    page = changed.parent / "page.html"
    assert run(changed, *report, "html", "-o", str(page)).exit_code == 0
    said.append(page.read_text())
    for words in (["gate", *base], ["ci", *base]):
        done = run(changed, *words)
        assert (done.exit_code, "not measured yet" in done.output) == (1, False), done.output
        said.append(done.output)
    for text in said:
        for path in ODD:
            assert f"of {path} not known: coverage.py " in text.replace("\\_", "_"), text
    # what is staged on top of it is no more known than that, to the hook and to the gate
    (changed / "old.py").write_bytes(ODD["old.py"][0] + b"z = 3\n")
    git(changed, "add", "-A")
    handed: list[list[str]] = []
    monkeypatch.setattr(gate, "run_gate_command", lambda words: handed.append(words) or 0)
    monkeypatch.setenv("CI", "1")
    monkeypatch.chdir(changed)
    assert (gate.main(), handed) == (0, [["--staged"]])
    staged = json.loads(run(changed, "gate", "--json").output)
    assert (staged["verdict"], list(staged["passed_over"])) == ("unknown", ["old.py"])
    assert run(changed, "gate", "--unknown", "fail").exit_code == 1


def test_what_the_configuration_leaves_out_and_tests_are_passed_in_silence(
    run: Any, plain: Path, commit: Commit
) -> None:
    commit(
        plain, FILES | {"pyproject.toml": "[tool.coverage.run]\nomit = ['*/old.py', 'old.py']\n"}
    )
    (plain / "checks").mkdir()
    (plain / "checks" / "test_later.py").write_text("def helper():\n    pass\n")
    commit(plain, {"old.py": "print 'one'\n", "setup.py": "x = 1\n", "docs/conf.py": "x = 1\n"})
    assert run(plain, "measure").exit_code == 0
    said = json.loads(run(plain, "gate", "--base", "HEAD~1", "--json").output)
    assert (said["verdict"], said["passed_over"]) == ("pass", {})
    assert "passes over no file" in _LOOKS["coverage"](find(plain)).said


def test_a_file_that_is_mended_or_run_is_known_again(run: Any, plain: Path, commit: Commit) -> None:
    commit(plain, FILES | {"old.py": "print 'one'\n", "scripts/tool.py": CODE})
    assert run(plain, "measure").exit_code == 0
    test = "import sys\n\nsys.path.insert(0, 'scripts')\n\n\ndef test_tool():\n"
    test += "    import old\n    import tool\n    assert tool.f(old.x) == 1\n"
    commit(plain, {"old.py": "x = 1\n", "scripts/tool.py": CODE + "\n", "test_b.py": test})
    assert run(plain, "measure").exit_code == 0
    said = json.loads(run(plain, "gate", "--base", "HEAD~1", "--json").output)
    assert (said["verdict"], said["passed_over"]) == ("pass", {})


def test_of_many_such_files_some_are_named(run: Any, plain: Path, git: Any, commit: Commit) -> None:
    git(plain, "config", "copydesk.python", sys.executable)
    git(plain, "config", "copydesk.ownTests", "plain")
    commit(plain, FILES)
    commit(plain, {f"scripts/s{number}.py": CODE for number in range(7)})
    assert run(plain, "measure").exit_code == 0
    said = run(plain, "gate", "--base", "HEAD~1").output
    assert said.count("coverage.py saw nothing of it run") == 5
    assert "2 more files that coverage.py passes over" in said
    found = _LOOKS["coverage"](find(plain))
    assert "passes over 7 files" in found.said
    assert found.said.endswith("; …")


def test_without_a_measure_doctor_says_that_it_did_not_look(plain: Path, commit: Commit) -> None:
    look = _LOOKS["coverage"]
    assert "nothing was measured" in look(find(plain)).said
    commit(plain, FILES)
    with open_desk(find(plain).desk):
        pass
    assert "not measured yet" in look(find(plain)).said


TOOL = (
    "#!/usr/bin/env python3\ndef double(x):\n    return 2 * x\n\n\ndef unused(x):\n    return x\n"
)
LOADS = """\
import runpy


def test_tool():
    assert runpy.run_path("bin/tool")["double"](2) == 4
"""


def test_the_gate_and_the_hook_judge_a_script_that_counts(
    run: Any,
    plain: Path,
    commit: Commit,
    git: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    commit(plain, {"bin/tool": TOOL, "test_tool.py": LOADS})
    assert run(plain, "measure").exit_code == 0
    commit(plain, {"bin/tool": TOOL.replace("return x\n", "return -x\n")})
    assert run(plain, "measure").exit_code == 0
    said = json.loads(run(plain, "gate", "--base", "HEAD~1", "--json").output)
    assert said["diff"]["missing"] == {"bin/tool": [7]}
    assert said["functions"][0]["function"] == "unused"
    assert not [remark for remark in said["remarks"] if "script" in remark]
    handed: list[list[str]] = []
    monkeypatch.setattr(gate, "run_gate_command", lambda words: handed.append(words) or 0)
    monkeypatch.setenv("CI", "1")
    monkeypatch.chdir(plain)
    (plain / "bin" / "tool").write_text(TOOL.replace("return x\n", "return +x\n"))
    git(plain, "add", "-A")
    assert gate.main() == 0
    assert (handed, capsys.readouterr().out[:34]) == ([], "copydesk: 1 changed file is not me")
    staged = json.loads(run(plain, "gate", "--json").output)
    assert staged["diff"]["unknown"] == {"bin/tool": [7]}

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.coverage.gate.changed_configuration import (
    remark_on_configuration,
    settings_of,
)
from copydesk.agent.coverage.gate.changed_lines import change_between, staged_change
from copydesk.agent.coverage.gate.request import GateRequest
from copydesk.agent.git.repository import find

Commit = Callable[..., str]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (".coveragerc", "[run]\nomit =\n  big.py\n", "omit (+ big.py)"),
        (".coveragerc.toml", "[run]\nomit = ['big.py']\n", "omit (+ big.py)"),
        ("setup.cfg", "[coverage:run]\ninclude = a.py, b.py\n", "include (+ a.py, + b.py)"),
        ("tox.ini", "[coverage:report]\nexclude_also = def f\n", "exclude_also (+ def f)"),
        ("pyproject.toml", "[tool.coverage.run]\nsource = ['lib']\n", "source (+ lib)"),
        ("sub/pyproject.toml", "[tool.copydesk]\nfail_under = 5\n", "fail_under (+ 5)"),
        ("pyproject.toml", "[tool.coverage\n", "it cannot be read"),
    ],
)
def test_what_a_change_no_longer_counts_is_named(
    repo: Path, commit: Commit, monkeypatch: pytest.MonkeyPatch, name: str, text: str, words: str
) -> None:
    base = commit(repo, {"a.py": "A = 1\n"})
    head = commit(repo, {name: text, "a.py": "A = 2\n"})
    found = find(repo)
    request = GateRequest(change_between(found, base, head), head, base)
    (remark,) = remark_on_configuration(found, request)
    assert remark.startswith(f"{name} changes ")
    assert remark.endswith(words)
    back = GateRequest(change_between(found, head, head), head, head)
    assert remark_on_configuration(found, back) == ()


def test_what_is_staged_is_named_too(
    repo: Path, commit: Commit, git: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    head = commit(repo, {"pyproject.toml": "[tool.coverage.run]\nomit = ['a.py', 'b.py']\n"})
    (repo / "pyproject.toml").write_text("[tool.coverage.run]\nomit = ['b.py', 'c.py']\n")
    git(repo, "add", "-A")
    monkeypatch.chdir(repo)
    found = find(repo)
    (remark,) = remark_on_configuration(found, GateRequest(staged_change(found), head))
    assert remark.endswith("omit (+ c.py, - a.py)")


def test_other_settings_are_nothing_to_name(repo: Path, commit: Commit) -> None:
    base = commit(repo, {"pyproject.toml": "[project]\nname = 'a'\n", "tox.ini": "[tox]\n"})
    files = {"pyproject.toml": "[tool.ruff]\nsource = 1\n", "tox.ini": "[run]\nomit = a\n"}
    head = commit(repo, files)
    found = find(repo)
    request = GateRequest(change_between(found, base, head), head, base)
    assert remark_on_configuration(found, request) == ()


@given(st.binary(), st.sampled_from([".coveragerc", "setup.cfg", "pyproject.toml"]))
def test_any_bytes_can_be_read(content: bytes, name: str) -> None:
    assert settings_of(name, content) == settings_of(name, content)

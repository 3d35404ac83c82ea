from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from copydesk.agent.errors import CopydeskError
from copydesk.agent.setup.precommit_config import (
    HOOK_TYPES,
    AddedDefaults,
    HookSelection,
    add_hooks,
    defaults_to_add,
    holds_only_our_hooks,
    remove_hooks,
)

PLAIN = """\
# what we check
repos:
  - repo: https://github.com/astral-sh/ruff-pre-commit
    rev: 'v0.9.0'   # keep in step with pyproject.toml
    hooks:
      - id: ruff
        args: [ --fix, "--exit-non-zero-on-fix" ]
"""
WIDE = """\
---
exclude: ^vendored/
repos:
-   repo: https://github.com/pre-commit/pre-commit-hooks
    rev: v5.0.0
    hooks:
    -   id: trailing-whitespace
    # the next one is slow
    -   id: check-yaml

# settings of pre-commit.ci
ci:
    autofix_prs: false
"""
WITH_DEFAULTS = """\
default_install_hook_types: [pre-commit, commit-msg]
default_stages: [pre-commit]
repos:
- repo: local
  hooks:
  - {id: x, name: x, entry: "true", language: system}
"""
FLOW = "repos: [{repo: local, hooks: [{id: x, name: x, entry: x, language: system}]}]\n"
EMPTY_LIST = "repos: []\n# nothing yet\n"
NO_REPOS = "fail_fast: true\n"
NO_NEWLINE = PLAIN.rstrip("\n")
FILES = {
    "plain": PLAIN,
    "wide": WIDE,
    "with defaults": WITH_DEFAULTS,
    "flow": FLOW,
    "empty list": EMPTY_LIST,
    "no repos": NO_REPOS,
    "no newline": NO_NEWLINE,
    "comments alone": "# to be written\n",
}
ELSEWHERE = HookSelection(repo_url="https://example.com/copydesk", rev="v1")
each_file = pytest.mark.parametrize("text", FILES.values(), ids=FILES)
each_way = pytest.mark.parametrize(
    "wanted",
    [HookSelection(), HookSelection(repo_url="https://example.com/copydesk", rev="v1")],
    ids=str,
)


def load(text: str) -> dict[str, object]:
    data = YAML(typ="safe").load(text) or {}
    assert isinstance(data, dict)
    return data


def valid(tmp_path: Path, text: str) -> bool:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    script = Path(sys.executable).parent / "pre-commit"
    return subprocess.run([script, "validate-config", path], capture_output=True).returncode == 0


@each_way
@each_file
def test_ours_come_last_and_the_rest_means_what_it_meant(text: str, wanted: HookSelection) -> None:
    before, after = load(text), load(add_hooks(text, wanted))
    repos = after.pop("repos")
    assert isinstance(repos, list)
    ours = repos.pop()
    assert holds_only_our_hooks(ours)
    assert repos == (before.pop("repos", None) or [])
    types = after.pop("default_install_hook_types")
    former = before.pop("default_install_hook_types", [])
    assert isinstance(types, list)
    assert isinstance(former, list)
    assert set(types) == {*former, *HOOK_TYPES}
    assert after.pop("default_stages") == before.pop("default_stages", None) or ["pre-commit"]
    assert after == before


@each_file
def test_what_we_write_is_valid(tmp_path: Path, text: str) -> None:
    assert valid(tmp_path, add_hooks(text, HookSelection()))


@pytest.mark.parametrize("text", [PLAIN, WIDE], ids=["plain", "wide"])
def test_not_one_line_of_the_user_is_touched(text: str) -> None:
    lines = add_hooks(text, HookSelection()).splitlines()
    left = iter(lines)
    assert all(line in left for line in text.splitlines())


@each_way
@each_file
def test_taking_ours_out_gives_back_what_was_there(text: str, wanted: HookSelection) -> None:
    put = defaults_to_add(text, wanted)
    back = remove_hooks(add_hooks(text, wanted), put)
    before = load(text)
    after = load(back)
    assert (after.pop("repos", None) or []) == (before.pop("repos", None) or [])
    assert after == before
    if text in (PLAIN, WIDE):
        assert back == text


def test_what_was_added_since_is_kept() -> None:
    put = defaults_to_add(PLAIN, HookSelection())
    more = add_hooks(PLAIN, HookSelection()) + (
        "# mine\n  - repo: https://example.com/x\n    rev: v1\n    hooks: [{id: x}]\n"
    )
    back = remove_hooks(more, put)
    assert "copydesk" not in back
    assert back.startswith(PLAIN)
    assert "- repo: https://example.com/x" in back


def test_doing_it_twice_is_doing_it_once() -> None:
    once = add_hooks(PLAIN, HookSelection())
    assert add_hooks(once, HookSelection()) == once


def test_another_source_takes_the_place_of_the_former() -> None:
    moved = add_hooks(
        add_hooks(PLAIN, HookSelection()),
        HookSelection(repo_url="https://example.com/copydesk", rev="v1"),
    )
    assert moved.count("copydesk-gate") == 1
    assert "repo: https://example.com/copydesk" in moved


def test_a_file_of_our_own_is_complete(tmp_path: Path) -> None:
    text = add_hooks(None, HookSelection())
    assert valid(tmp_path, text)
    for ours in ("$p/", "$d/copydesk/hooks/", "$d/copydesk/hooks"):
        text = text.replace(ours, "")
    assert "/" not in text  # no path of this machine


def test_the_gate_alone_needs_no_other_hook_types() -> None:
    after = load(add_hooks(None, HookSelection(("copydesk-gate",))))
    assert after["default_install_hook_types"] == ["pre-commit", "pre-push"]


def test_hooks_without_stages_stay_at_the_stages_they_ran_at() -> None:
    text = "default_install_hook_types: [pre-commit, pre-push]\nrepos: []\n"
    assert load(add_hooks(text, HookSelection()))["default_stages"] == ["pre-commit", "pre-push"]


def test_a_hook_types_line_in_block_style_is_understood() -> None:
    text = "default_install_hook_types:\n- commit-msg\nrepos: []\n"
    put = defaults_to_add(text, HookSelection())
    after = add_hooks(text, HookSelection())
    assert load(after)["default_install_hook_types"] == ["commit-msg", *HOOK_TYPES]
    assert load(remove_hooks(after, put)) == load(text)


@pytest.mark.parametrize(
    "text", ["repos: [", "- a\n- b\n", "repos: 3\n", "just words"], ids=str.strip
)
def test_a_file_that_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(CopydeskError) as error:
        add_hooks(text, HookSelection())
    assert error.value.slug == "bad-precommit-config"


def test_other_entries_are_not_ours() -> None:
    assert not holds_only_our_hooks(
        {"repo": "local", "hooks": [{"id": "copydesk-gate"}, {"id": "mine"}]}
    )
    assert not holds_only_our_hooks({"repo": "local", "hooks": []})
    assert not holds_only_our_hooks("text")


def test_nothing_of_ours_is_nothing_to_do() -> None:
    assert remove_hooks(PLAIN, AddedDefaults((), False)) == PLAIN

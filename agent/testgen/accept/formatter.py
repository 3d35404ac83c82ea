"""The project's own formatter on what `accept` places: the one its configuration names, in the
sandbox, and only where the project's interpreter has it. Nothing here ever stands in the way: what
cannot be formatted is placed as it is.
"""

from __future__ import annotations

import ast
import configparser
import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Draft
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.testgen.accept.placement import Placement, place_draft
from copydesk.agent.testgen.project import Workspace, find_tests, open_workspace
from copydesk.agent.text import one_line

_COMMANDS: dict[str, tuple[str, ...]] = {
    "ruff import sorting": ("ruff", "check", "--quiet", "--no-cache", "--select=I", "--fix"),
    "isort": ("isort", "--quiet"),
    "ruff format": ("ruff", "format", "--quiet", "--no-cache"),
    "black": ("black", "--quiet"),
    "yapf": ("yapf", "--in-place"),
    "autopep8": ("autopep8", "--in-place"),
}
"""Imports first, as the projects that use two do it."""

_HOOKS = {
    "black": "black",
    "black-jupyter": "black",
    "isort": "isort",
    "yapf": "yapf",
    "autopep8": "autopep8",
    "ruff-format": "ruff format",
}

_HOOK = re.compile(r"^\s*-?\s*id:\s*['\"]?([\w-]+)", re.M)

_DRIVER = """
import importlib.util, json, os, subprocess, sys
orders = json.load(sys.stdin)
report, done = int(os.environ["COPYDESK_REPORT_FD"]), []
for name, words in orders["commands"]:
    if importlib.util.find_spec(words[0]) is None:
        continue
    ended = subprocess.run(
        [sys.executable, "-m", *words, *orders["files"]],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    if ended.returncode == 0:
        done.append(name)
texts = [open(file, encoding="utf-8", newline="").read() for file in orders["files"]]
with os.fdopen(report, "w") as out:
    json.dump({"done": done, "texts": texts}, out)
"""


def formatters(tree: Path) -> tuple[str, ...]:
    """The formatters that a project's configuration names, in the order to run them.

    Args:
        tree: The top of the project.
    """
    project = _toml(tree / "pyproject.toml").get("tool", {})
    ruff = project.get("ruff") or _toml(tree / "ruff.toml") or _toml(tree / ".ruff.toml")
    found = {name for name in ("black", "isort", "yapf", "autopep8") if name in project}
    found |= {"ruff format"} if "format" in ruff else set()
    rules = ruff.get("lint", ruff)
    chosen = [*rules.get("select", ()), *rules.get("extend-select", ())]
    found |= {"ruff import sorting"} if {"I", "I0", "I00", "I001", "ALL"} & {*chosen} else set()
    sections = _sections(tree / "setup.cfg") | _sections(tree / "tox.ini")
    found |= {name for name in ("isort", "yapf", "autopep8") if name in sections}
    found |= {"isort"} if (tree / ".isort.cfg").is_file() else set()
    found |= {"yapf"} if (tree / ".style.yapf").is_file() else set()
    hooks = _HOOK.findall(_text(tree / ".pre-commit-config.yaml"))
    found |= {_HOOKS[hook] for hook in hooks if hook in _HOOKS}
    return tuple(name for name in _COMMANDS if name in found)


def format_placement(repo: Repository, draft: Draft, place: Placement) -> tuple[Placement, str]:
    """A placed draft as the project's own formatter writes it.

    A new file is formatted whole. Of a file that is there, the draft's own text is; the whole of it
    only when the file's text is formatted already, so that nothing of the project's changes.

    Args:
        repo: The repository; its work tree is only read.
        draft: A test draft.
        place: Where it goes.

    Returns:
        The place with its new text, and in words what was done or why not ("" where the project
        names no formatter).
    """
    names = formatters(repo.worktree)
    if not names:
        return place, ""
    try:
        with open_workspace(repo, draft.commit) as workspace:
            if workspace.sandbox.tier is Tier.NONE:
                return place, f"not formatted: {workspace.sandbox.reason}"
            return _formatted(workspace, repo.worktree, names, draft, place)
    except (CopydeskError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        return place, f"not formatted: {one_line(str(error))}"


def _formatted(
    workspace: Workspace, worktree: Path, names: tuple[str, ...], draft: Draft, place: Placement
) -> tuple[Placement, str]:
    old = place.old_text
    texts = [place.new_text] if old is None else [place.new_text, draft.content, old]
    done, after = _run(workspace, worktree, names, place.path, texts)
    if not done:
        return place, f"not formatted: {', '.join(names)} did not run in the project's environment"
    if old is None or after[2] == old:
        changed = replace(place, new_text=after[0])
    else:
        changed = place_draft(replace(draft, content=after[1]), worktree)
    if (changed.path, changed.old_text) != (place.path, old) or not _same(place, changed):
        return place, f"not formatted: {', '.join(done)} would have changed what it says"
    return changed, f"formatted by {', '.join(done)}"


def _run(
    workspace: Workspace, worktree: Path, names: tuple[str, ...], path: str, texts: list[str]
) -> tuple[list[str], list[str]]:
    pure = PurePosixPath(path)
    files = [path, *(str(pure.with_name(f"{pure.stem}_{n}.py")) for n in range(1, len(texts)))]
    laid = dict(zip(files, texts, strict=True))
    for name in ("pyproject.toml", "setup.cfg", "ruff.toml", ".ruff.toml", ".isort.cfg"):
        if text := _text(worktree / name):  # as it is now, not as it was when the draft was made
            laid[name] = text
    orders: dict[str, Any] = {"commands": [(n, _COMMANDS[n]) for n in names], "files": files}
    outcome = workspace.sandbox.run(
        ["python", "-c", _DRIVER], files=laid, stdin=json.dumps(orders).encode()
    )
    if outcome.ended != "exit" or outcome.returncode:
        return [], texts
    said = json.loads(outcome.report)
    after = [str(text) for text in said["texts"]]
    if len(after) != len(texts):
        raise ValueError("the formatters' answer is cut short")
    return [name for name in names if name in said["done"]], after


def _same(before: Placement, after: Placement) -> bool:
    """Whether two texts hold the same statements, imports and docstrings' white space apart."""
    one, other = _statements(before.new_text), _statements(after.new_text)
    return one == other and bool(find_tests(ast.parse(after.new_text)))


def _statements(text: str) -> list[str]:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        documented = isinstance(node, _DOCUMENTED) and ast.get_docstring(node) is not None
        first: Any = node.body[0] if documented else None  # type: ignore[attr-defined]
        if first is not None:
            first.value.value = " ".join(first.value.value.split())
    imports = (ast.Import, ast.ImportFrom)
    return [ast.dump(node) for node in tree.body if not isinstance(node, imports)]


_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError:
        return {}


def _sections(path: Path) -> set[str]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(_text(path))
    except configparser.Error:
        return set()
    return set(parser.sections())

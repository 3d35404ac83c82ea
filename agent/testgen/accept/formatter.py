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
from collections.abc import Callable
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

Place = Callable[[Draft, Path], Placement | None]
"""Finds the place of a draft in a working tree; None where there is none."""

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

_IMPORT_RULES = frozenset({"I", "I0", "I00", "I001", "ALL"})

_CONFIGURATION = ("pyproject.toml", "setup.cfg", "ruff.toml", ".ruff.toml", ".isort.cfg")

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
    tools = _toml(tree / "pyproject.toml").get("tool", {})
    sections = _sections(tree / "setup.cfg") | _sections(tree / "tox.ini")
    named = {"black", "isort", "yapf", "autopep8"}.intersection(tools)
    named |= {"isort", "yapf", "autopep8"}.intersection(sections)
    named |= _named_by_ruff(
        tools.get("ruff") or _toml(tree / "ruff.toml") or _toml(tree / ".ruff.toml")
    )
    for path, name in ((".isort.cfg", "isort"), (".style.yapf", "yapf")):
        if (tree / path).is_file():
            named.add(name)
    for hook in _HOOK.findall(_text(tree / ".pre-commit-config.yaml")):
        if hook in _HOOKS:
            named.add(_HOOKS[hook])
    return tuple(name for name in _COMMANDS if name in named)


def _named_by_ruff(settings: dict[str, Any]) -> set[str]:
    """What ruff's own configuration asks for."""
    named = set()
    if "format" in settings:
        named.add("ruff format")
    rules = settings.get("lint", settings)
    if not _IMPORT_RULES.isdisjoint([*rules.get("select", ()), *rules.get("extend-select", ())]):
        named.add("ruff import sorting")
    return named


def format_placement(
    repo: Repository, draft: Draft, placement: Placement, place: Place = place_draft
) -> tuple[Placement, str]:
    """A placed draft as the project's own formatter writes it.

    A new file is formatted whole. Of a file that is there, the draft's own text is; the whole of it
    only when the file's text is formatted already, so that nothing of the project's changes.

    Args:
        repo: The repository; its work tree is only read.
        draft: A test draft.
        placement: Where it goes.
        place: What found that place.

    Returns:
        The place with its new text, and in words what was done or why not ("" where the project
        names no formatter).
    """
    names = formatters(repo.worktree)
    if not names:
        return placement, ""
    try:
        with open_workspace(repo, draft.commit) as workspace:
            if workspace.sandbox.tier is Tier.NONE:
                return placement, f"not formatted: {workspace.sandbox.reason}"
            return _Formatting(workspace, repo.worktree, names).run(draft, placement, place)
    except (CopydeskError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        return placement, f"not formatted: {one_line(str(error))}"


class _Formatting:
    """Runs the formatters of a project in the sandbox.

    Args:
        workspace: The draft's tree with its sandbox.
        worktree: The top of the work tree, whose configuration counts.
        names: The formatters.
    """

    def __init__(self, workspace: Workspace, worktree: Path, names: tuple[str, ...]) -> None:
        self.workspace = workspace
        self.worktree = worktree
        self.names = names

    def run(self, draft: Draft, placement: Placement, place: Place) -> tuple[Placement, str]:
        """Format a placed draft; see format_placement."""
        old = placement.old_text
        texts = [placement.new_text]
        if old is not None:
            texts += [draft.content, old]
        done, formatted = self._format(placement.path, texts)
        if not done:
            names = ", ".join(self.names)
            return placement, f"not formatted: {names} did not run in the project's environment"
        if old is None or formatted[2] == old:
            changed = replace(placement, new_text=formatted[0])
        else:
            changed = place(replace(draft, content=formatted[1]), self.worktree) or placement
        is_there = (changed.path, changed.old_text) == (placement.path, old)
        if not is_there or not _same(placement, changed):
            return placement, f"not formatted: {', '.join(done)} would have changed what it says"
        return changed, f"formatted by {', '.join(done)}"

    def _format(self, path: str, texts: list[str]) -> tuple[list[str], list[str]]:
        """Format texts as if they stood in a file of that folder.

        Returns:
            The formatters that ran, and the texts after them.
        """
        pure = PurePosixPath(path)
        files = [path]
        files += [str(pure.with_name(f"{pure.stem}_{n}.py")) for n in range(1, len(texts))]
        orders: dict[str, Any] = {
            "commands": [(name, _COMMANDS[name]) for name in self.names],
            "files": files,
        }
        outcome = self.workspace.sandbox.run(
            ["python", "-c", _DRIVER],
            files=dict(zip(files, texts, strict=True)) | self._configuration(),
            stdin=json.dumps(orders).encode(),
        )
        if outcome.ended != "exit" or outcome.returncode:
            return [], texts
        answer = json.loads(outcome.report)
        formatted = [str(text) for text in answer["texts"]]
        if len(formatted) != len(texts):
            raise ValueError("the formatters' answer is cut short")
        return [name for name in self.names if name in answer["done"]], formatted

    def _configuration(self) -> dict[str, str]:
        """The files that configure formatters as they are now, not when the draft was made."""
        files = {name: _text(self.worktree / name) for name in _CONFIGURATION}
        return {name: text for name, text in files.items() if text}


def _same(before: Placement, after: Placement) -> bool:
    """Whether two texts hold the same statements, imports and docstrings' white space apart."""
    if _statements(before.new_text) != _statements(after.new_text):
        return False
    return bool(find_tests(ast.parse(after.new_text)))


def _statements(text: str) -> list[str]:
    """The statements of a module in a form that formatting does not change."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node) is not None:
            docstring: Any = node.body[0]
            docstring.value.value = " ".join(docstring.value.value.split())
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

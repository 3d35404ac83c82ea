"""`copydesk init --ci`: the job that measures and judges every pull request."""

from __future__ import annotations

import json
import shlex
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Literal, NamedTuple

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import interpreter
from copydesk.agent.git.command import GitFailed, git
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Json

Kind = Literal["github", "gitlab"]

TEMPLATES = Path(__file__).parent / "workflows"
PLACES = {"github": ".github/workflows/copydesk.yml", "gitlab": ".gitlab/copydesk.yml"}
"""Where the job is written, from the top of the repository."""
GITLAB = ".gitlab-ci.yml"
INCLUDE = "include:\n  - local: .gitlab/copydesk.yml\n"

OLDEST = (3, 11)
"""What copydesk itself runs on."""


class Action(NamedTuple):
    """A GitHub action, pinned: tags can be moved, commits cannot."""

    name: str
    commit: str
    version: str

    @property
    def used(self) -> str:
        """What stands after `uses:`."""
        return f"{self.name}@{self.commit} # {self.version}"


ACTIONS = {
    "CHECKOUT": Action("actions/checkout", "3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1"),
    "SETUP_PYTHON": Action(
        "actions/setup-python", "5fda3b95a4ea91299a34e894583c3862153e4b97", "v7.0.0"
    ),
    "RESTORE": Action(
        "actions/cache/restore", "27d5ce7f107fe9357f9df03efb73ab90386fccae", "v5.0.5"
    ),
    "SAVE": Action("actions/cache/save", "27d5ce7f107fe9357f9df03efb73ab90386fccae", "v5.0.5"),
    "UPLOAD": Action(
        "actions/upload-artifact", "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f", "v7.0.0"
    ),
}


def write(repo: Repository, kind: Kind, source: str | None) -> list[str]:
    """Write the job; a file that is there and differs is left alone.

    Args:
        repo: The repository.
        kind: The CI host.
        source: What pip installs copydesk from; worked out when left out.

    Returns:
        What was done, a sentence each.

    Raises:
        CopydeskError: Another file of that name is there.
    """
    place = repo.worktree / PLACES[kind]
    wanted, notes = render(repo, kind, source)
    if place.exists():
        if place.read_text("utf-8", "replace") == wanted:
            return [f"{PLACES[kind]} is there already."]
        raise CopydeskError(
            f"{PLACES[kind]} is there already and says something else",
            slug="ci-file-there",
            hint="Move it away to have it written anew; nothing was changed.",
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(wanted, "utf-8")
    done = [f"Wrote {PLACES[kind]}; read it, then commit it."]
    if kind == "gitlab":
        done.append(_included(repo.worktree / GITLAB))
    return done + notes


def _included(path: Path) -> str:
    if not path.exists():
        path.write_text(INCLUDE, "utf-8")
        return f"Wrote {GITLAB}, which includes it."
    if PLACES["gitlab"] in path.read_text("utf-8", "replace"):
        return f"{GITLAB} includes it already."
    return f"Add it to `include` in {GITLAB}: `- local: {PLACES['gitlab']}`."


def render(repo: Repository, kind: Kind, source: str | None = None) -> tuple[str, list[str]]:
    """The text of the job, and what is to be said of it."""
    found = interpreter.find(repo).interpreter.version[:2]
    notes = []
    if source is None:
        source, note = own_source()
        notes += [note] if note else []
    python = ".".join(map(str, found))
    own = python if found >= OLDEST else "3.12"
    install = list(installing(repo.worktree, f"python{python}"))
    both = f"|\n            {python}\n            {own}"
    values = {
        "BRANCH": json.dumps(default_branch(repo)),
        "PYTHON": python,
        "TOOL_PYTHON": f"python{own}",
        "VERSIONS": json.dumps(python) if own == python else both,
        "COPYDESK": shlex.quote(source),
        **{name: action.used for name, action in ACTIONS.items()},
    }  # fmt: skip
    if kind == "github":
        values["INSTALL"] = "\n".join(f"          {line}" for line in install)
    else:
        values["INSTALL"] = _script(install)
        values["TOOL"] = _script(_tool(f"python{own}", own != python, source))
    text = (TEMPLATES / f"{kind}.yml").read_text("utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text, notes


def _script(lines: Iterable[str]) -> str:
    return "\n".join(f"    - {json.dumps(line)}" for line in lines)


def _tool(python: str, fetched: bool, source: str) -> Iterable[str]:
    if fetched:  # the image holds the project's Python alone
        yield "python -m pip install --quiet uv"
        yield f"uv venv --quiet --seed --python {python.removeprefix('python')} /tmp/copydesk"
    else:
        yield f"{python} -m venv /tmp/copydesk"
    yield f"/tmp/copydesk/bin/pip install --quiet {shlex.quote(source)}"


def own_source() -> tuple[str, str]:
    """What pip installs this very copydesk from, and what to say where CI may not have that.

    https://packaging.python.org/en/latest/specifications/direct-url/
    """
    version = metadata.version("copydesk")
    direct = metadata.distribution("copydesk").read_text("direct_url.json")
    if direct is None:
        return f"copydesk=={version}", ""
    said: Json = json.loads(direct)
    if "vcs_info" in said:
        vcs = said["vcs_info"]
        return f"{vcs['vcs']}+{said['url']}@{vcs['commit_id']}", ""
    if not said["url"].startswith("file:"):
        return f"copydesk @ {said['url']}", ""
    note = (
        f"This copydesk was installed from a folder, which CI does not have: the job installs"
        f" copydesk=={version} from the package index. `--repo URL --rev REV` names a repository."
    )
    return f"copydesk=={version}", note


def default_branch(repo: Repository) -> str:
    """The branch that pull requests go to: the remote's default, else the one checked out."""
    for ref in ("refs/remotes/origin/HEAD", "HEAD"):
        try:
            said = git("symbolic-ref", "--quiet", ref, git_dir=repo.git_dir).decode().strip()
        except GitFailed:
            continue
        return said.removeprefix("refs/remotes/origin/").removeprefix("refs/heads/")
    return "main"


def installing(top: Path, python: str) -> Iterable[str]:
    """Shell lines that put the project and its tests' needs into .venv.

    Args:
        top: The top folder of the worktree.
        python: The interpreter's name.
    """
    # a lock file names the tool, and that tool knows the groups
    if (top / "uv.lock").is_file():
        yield "python -m pip install --quiet uv"
        yield f"uv sync --frozen --all-extras --all-groups --python {python.removeprefix('python')}"
        yield "uv pip install pytest coverage"
        return
    if (top / "poetry.lock").is_file():
        yield "python -m pip install --quiet poetry"
        yield f"poetry config virtualenvs.in-project true && poetry env use {python}"
        yield "poetry install --all-extras && poetry run pip install pytest coverage"
        return
    yield f"{python} -m venv .venv"
    yield ".venv/bin/python -m pip install --quiet --upgrade pip"
    for path in sorted({*top.glob("requirements*.txt"), *top.glob("requirements/*.txt")}):
        yield f".venv/bin/pip install -r {shlex.quote(path.relative_to(top).as_posix())}"
    yield from _packaged(top)
    yield ".venv/bin/pip install pytest coverage"


def _packaged(top: Path) -> Iterable[str]:
    table: Json = {}
    if (top / "pyproject.toml").is_file():
        table = tomllib.loads((top / "pyproject.toml").read_text("utf-8", "replace"))
    testing = ("test", "tests", "testing", "dev")
    extras = table.get("project", {}).get("optional-dependencies", {})
    if "build-system" in table or "project" in table or (top / "setup.py").is_file():
        chosen = ",".join(name for name in testing if name in extras)
        yield f".venv/bin/pip install -e {shlex.quote(f'.[{chosen}]' if chosen else '.')}"
    for name in testing:
        if name in table.get("dependency-groups", {}):
            yield f".venv/bin/pip install --group {name}"

"""`copydesk init --ci`: the job that measures and judges every pull request."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import interpreter
from copydesk.agent.git.command import GitFailed, git
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Json
from copydesk.agent.setup.inside_worktree import require_inside

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


def write_job(repo: Repository, kind: Kind, source: str | None) -> list[str]:
    """Write the job's file; one that exists and differs is not overwritten.

    Args:
        repo: The repository.
        kind: The CI host.
        source: What pip installs copydesk from; worked out when left out.

    Returns:
        What was done, a sentence each.

    Raises:
        CopydeskError: Another file of that name is there, or a link that leads elsewhere.
    """
    path = repo.worktree / PLACES[kind]
    for file in (path, *([repo.worktree / GITLAB] if kind == "gitlab" else [])):
        require_inside(repo, file)
    job, notes = render_job(repo, kind, source)
    if path.exists():
        if path.read_text("utf-8", "replace") == job:
            return [f"{PLACES[kind]} is there already."]
        raise CopydeskError(
            f"{PLACES[kind]} exists and is not what copydesk would write",
            slug="ci-file-there",
            hint="Move it away to have it written anew; nothing was changed.",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(job, "utf-8")
    steps = [f"Wrote {PLACES[kind]}; read it, then commit it."]
    if kind == "gitlab":
        steps.append(_include_in_gitlab(repo.worktree / GITLAB))
    return steps + notes


def _include_in_gitlab(path: Path) -> str:
    if not path.exists():
        path.write_text(INCLUDE, "utf-8")
        return f"Wrote {GITLAB}, which includes it."
    if PLACES["gitlab"] in path.read_text("utf-8", "replace"):
        return f"{GITLAB} includes it already."
    return f"Add it to `include` in {GITLAB}: `- local: {PLACES['gitlab']}`."


def render_job(repo: Repository, kind: Kind, source: str | None = None) -> tuple[str, list[str]]:
    """The text of the job, and notes for the user.

    Args:
        repo: The repository.
        kind: The CI host.
        source: What pip installs copydesk from; worked out when left out.
    """
    notes = []
    if source is None:
        source, note = copydesk_requirement()
        notes += [note] if note else []
    version = interpreter.find(repo).interpreter.version[:2]
    project_python = ".".join(map(str, version))
    our_python = project_python if version >= OLDEST else "3.12"
    versions = json.dumps(project_python)
    if our_python != project_python:
        versions = f"|\n            {project_python}\n            {our_python}"
    values = {
        "BRANCH": json.dumps(default_branch(repo)),
        "PYTHON": project_python,
        "TOOL_PYTHON": f"python{our_python}",
        "VERSIONS": versions,
        "COPYDESK": shlex.quote(source),
        **{name: action.used for name, action in ACTIONS.items()},
    }
    install = list(install_lines(repo.worktree, f"python{project_python}"))
    if kind == "github":
        values["INSTALL"] = "\n".join(f"          {line}" for line in install)
    else:
        own_install = _own_install_lines(our_python, our_python != project_python, source)
        values["INSTALL"] = _gitlab_script(install)
        values["TOOL"] = _gitlab_script(own_install)
    text = (TEMPLATES / f"{kind}.yml").read_text("utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text, notes


def _gitlab_script(lines: Iterable[str]) -> str:
    return "\n".join(f"    - {json.dumps(line)}" for line in lines)


def _own_install_lines(version: str, fetched: bool, source: str) -> Iterable[str]:
    """Shell lines that install copydesk, with a Python that uv fetches where need be."""
    if fetched:  # the image holds the project's Python alone
        yield "python -m pip install --quiet uv"
        yield f"uv venv --quiet --seed --python {version} /tmp/copydesk"
    else:
        yield f"python{version} -m venv /tmp/copydesk"
    yield f"/tmp/copydesk/bin/pip install --quiet {shlex.quote(source)}"


def copydesk_requirement() -> tuple[str, str]:
    """The requirement that installs this copydesk, and a note where CI cannot use it.

    https://packaging.python.org/en/latest/specifications/direct-url/
    """
    version = metadata.version("copydesk")
    direct = metadata.distribution("copydesk").read_text("direct_url.json")
    if direct is None:
        return f"copydesk=={version}", ""
    origin: Json = json.loads(direct)
    if "vcs_info" in origin:
        vcs = origin["vcs_info"]
        return f"{vcs['vcs']}+{origin['url']}@{vcs['commit_id']}", ""
    folder = Path(unquote(urlsplit(origin["url"]).path))
    if commit := _published_commit(folder):
        return f"git+{commit}", ""
    if not origin["url"].startswith("file:"):
        return f"copydesk @ {origin['url']}", ""
    note = (
        f"This copydesk was installed from a folder, which CI does not have: the job installs"
        f" copydesk=={version} from the package index, and fails where that has none."
        " `--repo URL --rev REV` names a repository instead."
    )
    return f"copydesk=={version}", note


def _published_commit(folder: Path) -> str:
    """Where others get what is checked out in a folder, as URL@commit; "" where they cannot."""
    if not (folder / ".git").exists():
        return ""
    try:
        url = git("config", "--get", "remote.origin.url", cwd=folder).decode().strip()
        sha = git("rev-parse", "--verify", "HEAD", cwd=folder).decode().strip()
        known = git("for-each-ref", f"--contains={sha}", "refs/remotes/origin", cwd=folder)
    except GitFailed:
        return ""
    # a password in the address is nobody's business who reads the workflow
    url = re.sub(r"^https://[^/@]*@", "https://", url)
    return f"{url}@{sha}" if known and url.startswith(("https://", "ssh://")) else ""


def default_branch(repo: Repository) -> str:
    """The branch that pull requests go to: the remote's default, else the one checked out."""
    for ref in ("refs/remotes/origin/HEAD", "HEAD"):
        try:
            branch = git("symbolic-ref", "--quiet", ref, git_dir=repo.git_dir).decode().strip()
        except GitFailed:
            continue
        return branch.removeprefix("refs/remotes/origin/").removeprefix("refs/heads/")
    return "main"


def install_lines(top: Path, python: str) -> Iterable[str]:
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
    yield from _packaging_lines(top)
    yield ".venv/bin/pip install pytest coverage"


def _packaging_lines(top: Path) -> Iterable[str]:
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

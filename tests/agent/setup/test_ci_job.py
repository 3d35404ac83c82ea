from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from copydesk.agent.coverage.report.pull_request_comment import MARKER
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import interpreter
from copydesk.agent.git.repository import Repository
from copydesk.agent.setup import ci_job

ROOT = Path(__file__).parents[3]
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


def parsed(text: str) -> Any:
    return YAML(typ="safe").load(text)


def steps(text: str) -> list[Any]:
    return list(parsed(text)["jobs"]["gate"]["steps"])


def test_github_gets_a_workflow_that_may_only_read(found: Repository, repo: Path) -> None:
    said = ci_job.write_job(found, "github", "git+https://example.com/copydesk@v1")
    assert said == ["Wrote .github/workflows/copydesk.yml; read it, then commit it."]
    text = (repo / ".github/workflows/copydesk.yml").read_text()
    job = parsed(text)
    assert job["permissions"] == {}
    assert job["jobs"]["gate"]["permissions"] == {"contents": "read"}
    publishing = job["jobs"]["publish"]  # the job that may write runs no code of the project
    assert publishing["permissions"] == {"contents": "write"}
    assert "event_name == 'push'" in publishing["if"]
    commands = [step["run"] for step in publishing["steps"] if "run" in step]
    assert all(
        ("/copydesk" in line or "-m venv" in line) for line in "".join(commands).split("\n") if line
    )
    assert 'copydesk" map push' in commands[-1]
    assert set(job["on"]) == {"pull_request", "push"}
    assert job["on"]["push"]["branches"] == ["main"]
    assert "secrets." not in text
    for step in steps(text):
        if "uses" in step:
            name, _, commit = step["uses"].partition("@")
            assert name.startswith("actions/")
            assert len(bytes.fromhex(commit)) == 20
        else:
            assert "${{" not in step["run"]  # nothing of an event is pasted into a shell
    assert "git+https://example.com/copydesk@v1" in text
    assert "@" + "PYTHON@" not in text
    assert ci_job.write_job(found, "github", "git+https://example.com/copydesk@v1") == [
        ".github/workflows/copydesk.yml is there already."
    ]
    with pytest.raises(CopydeskError, match="is not what copydesk would write"):
        ci_job.write_job(found, "github", "copydesk==2")


def test_the_documented_comment_fits_into_the_workflow(found: Repository) -> None:
    page = (ROOT / "docs/how-to/ci.md").read_text()
    snippet = page.split("```yaml\n")[1].split("```")[0]
    text = ci_job.render_job(found, "github", "copydesk")[0]
    jobs = parsed(f"{text}\n{snippet}")["jobs"]
    assert jobs["comment"]["needs"] in jobs
    assert jobs["comment"]["permissions"] == {"actions": "read", "pull-requests": "write"}
    [post] = jobs["comment"]["steps"]
    assert MARKER in post["run"]
    assert "${{" not in post["run"]
    kept = next(s for s in jobs["gate"]["steps"] if "upload-artifact" in s.get("uses", ""))
    assert kept["with"]["name"] in post["run"]
    assert "comment.md" in kept["with"]["path"]


@pytest.mark.parametrize(
    ("kind", "link", "written"),
    [
        ("github", ".github", "workflows/copydesk.yml"),
        ("github", ".github/workflows", "copydesk.yml"),
        ("github", ".github/workflows/copydesk.yml", ""),
        ("gitlab", ".gitlab-ci.yml", ""),
        ("gitlab", ".gitlab", "copydesk.yml"),
    ],
)
@pytest.mark.parametrize("where", ["outside", "repo/.git"])
def test_no_job_is_written_where_a_link_of_the_tree_leads(
    found: Repository, repo: Path, git: Callable[..., str], tmp_path: Path, kind: ci_job.Kind,
    link: str, written: str, where: str,
) -> None:  # fmt: skip
    target = tmp_path / where / "place"
    if written:
        target.mkdir(parents=True)
    else:
        target.parent.mkdir(exist_ok=True)
    (repo / link).parent.mkdir(parents=True, exist_ok=True)
    (repo / link).symlink_to(target)
    git(repo, "add", "-A")
    with pytest.raises(CopydeskError, match="is not written: it leads to"):
        ci_job.write_job(found, kind, "copydesk==1")
    assert not (target / written).is_file()
    (repo / link).unlink()
    (repo / "elsewhere").mkdir()
    if written:  # a link to a folder of the project is the project's own affair
        (repo / link).symlink_to(repo / "elsewhere")
    assert ci_job.write_job(found, kind, "copydesk==1")


def test_gitlab_gets_a_job_and_its_include(found: Repository, repo: Path) -> None:
    said = ci_job.write_job(found, "gitlab", "copydesk==1")
    assert said[1] == "Wrote .gitlab-ci.yml, which includes it."
    job = parsed((repo / ".gitlab/copydesk.yml").read_text())["copydesk"]
    assert job["image"] == f"python:{PYTHON}"
    assert job["script"][-1].startswith("/tmp/copydesk/bin/copydesk ci --report")
    assert "/tmp/copydesk/bin/pip install --quiet copydesk==1" in job["script"]
    (repo / ".gitlab/copydesk.yml").unlink()
    assert "includes it already" in ci_job.write_job(found, "gitlab", "copydesk==1")[1]
    (repo / ".gitlab/copydesk.yml").unlink()
    (repo / ".gitlab-ci.yml").write_text("stages: [test]\n")
    assert "Add it to `include`" in ci_job.write_job(found, "gitlab", "copydesk==1")[1]


@pytest.mark.parametrize(
    ("files", "lines"),
    [
        ({"uv.lock": ""}, ["uv sync --frozen --all-extras --all-groups --python 3.12"]),
        ({"poetry.lock": ""},
         ["poetry install --all-extras && poetry run pip install pytest coverage"]),
        ({"requirements.txt": "", "requirements/dev.txt": ""},
         [".venv/bin/pip install -r requirements.txt",
          ".venv/bin/pip install -r requirements/dev.txt"]),
        ({"setup.py": ""}, [".venv/bin/pip install -e ."]),
        ({"pyproject.toml": "[project.optional-dependencies]\ndev = []\ntest = []\ndocs = []\n"
          "[dependency-groups]\ntests = []\n"},
         [".venv/bin/pip install -e '.[test,dev]'", ".venv/bin/pip install --group tests"]),
        ({}, ["python3.12 -m venv .venv", ".venv/bin/pip install pytest coverage"]),
    ],
    ids=["uv", "poetry", "requirements", "setup.py", "pyproject", "nothing"],
)  # fmt: skip
def test_how_the_project_is_installed(
    tmp_path: Path, files: dict[str, str], lines: list[str]
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = list(ci_job.install_lines(tmp_path, "python3.12"))
    assert [line for line in lines if line not in found] == []


def test_a_project_on_an_older_python(found: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    real = interpreter.find(found)
    old = real._replace(interpreter=_with_version(real.interpreter, (3, 9, 2)))
    monkeypatch.setattr(interpreter, "find", lambda _: old)
    text, _ = ci_job.render_job(found, "github", "copydesk==1")
    setup = steps(text)[1]["with"]["python-version"]
    assert setup.split() == ["3.9", "3.12"]
    assert any(
        'python3.12 -m venv "$RUNNER_TEMP/copydesk"' in s.get("run", "") for s in steps(text)
    )
    text, _ = ci_job.render_job(found, "gitlab", "copydesk==1")
    script = parsed(text)["copydesk"]["script"]
    assert "uv venv --quiet --seed --python 3.12 /tmp/copydesk" in script


def _with_version(python: Any, version: tuple[int, int, int]) -> Any:
    import dataclasses

    return dataclasses.replace(python, version=version)


@pytest.mark.parametrize(
    ("direct", "source"),
    [
        (None, "copydesk=={version}"),
        ({"url": "https://example.com/c.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
         "git+https://example.com/c.git@abc"),
        ({"url": "https://example.com/c.whl"}, "copydesk @ https://example.com/c.whl"),
        ({"url": "file:///here"}, "copydesk=={version}"),
    ],
    ids=["index", "git", "wheel", "folder"],
)  # fmt: skip
def test_where_ci_gets_copydesk_from(
    monkeypatch: pytest.MonkeyPatch, direct: object, source: str
) -> None:
    class Distribution:
        version = "1.2"

        def read_text(self, _: str) -> str | None:
            return None if direct is None else json.dumps(direct)

    monkeypatch.setattr(ci_job.metadata, "distribution", lambda _: Distribution())
    said, note = ci_job.copydesk_requirement()
    assert said == source.format(version="1.2")
    assert bool(note) == (direct == {"url": "file:///here"})


def test_the_branch_that_pull_requests_go_to(
    found: Repository, repo: Path, git: Callable[..., str]
) -> None:
    git(repo, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert ci_job.default_branch(found) == "trunk"
    git(repo, "symbolic-ref", "--delete", "refs/remotes/origin/HEAD")
    assert ci_job.default_branch(found) == "main"
    git(repo, "checkout", "-q", "--detach")
    assert ci_job.default_branch(found) == "main"


def test_our_own_action_and_workflow_use_the_same_pins() -> None:
    pins = {action.used for action in ci_job.ACTIONS.values()}
    for path in (ROOT / ".github").rglob("*.yml"):
        for line in path.read_text().splitlines():
            if "uses: actions/" in line:
                assert line.partition("uses: ")[2] in pins, (path, line)

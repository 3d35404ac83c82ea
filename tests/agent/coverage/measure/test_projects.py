"""A change of one project's configuration runs the tests of that project only."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from copydesk.agent.coverage.measure import measure
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.interpreter import inspect
from copydesk.agent.git.repository import find, resolve, set_config

PYTEST = '[tool.pytest.ini_options]\npythonpath = ["."]\n'
FILES = {
    f"{name}/{path}": text.format(name=name)
    for name in ("one", "two")
    for path, text in {
        "pyproject.toml": "[project]\nname = '{name}'\nversion = '1'\n" + PYTEST,
        "code_of_{name}.py": "def f():\n    return 1\n\n\ndef g():\n    return 2\n",
        "test_{name}.py": "from code_of_{name} import f, g\n\n\ndef test_f():\n"
        "    assert f() == 1\n\n\ndef check_g():\n    assert g() == 2\n",
    }.items()
}
FILES = {path.replace("{name}", path[:3]): text for path, text in FILES.items()}


def test_only_the_project_whose_configuration_changed_is_run_whole(
    repo: Path, commit: Callable[..., str], tmp_path: Path
) -> None:
    set_config(find(repo), "copydesk.ownTests", "plain")
    commit(repo, FILES)
    found = find(repo)
    python = inspect(found, Path(sys.executable), "here")
    with open_desk(tmp_path / "desk") as db:
        first = measure(db, Commit(found, resolve(found, "HEAD")), interpreter=python.interpreter)
        assert (first.selected, first.total) == (2, 2)
        changed = FILES["two/pyproject.toml"] + 'python_functions = ["test_*", "check_*"]\n'
        commit(repo, {"two/pyproject.toml": changed})
        second = measure(db, Commit(found, resolve(found, "HEAD")), interpreter=python.interpreter)
        assert second.reason == "1 in a project whose configuration changed"
        assert (second.base, second.selected, second.total, second.failed) == (first.sha, 2, 3, 0)
        assert second.covered == first.covered + 1
        totals = {one.folder: one.total for one in db.measures.projects(second.sha)}
        assert totals == {"one": 1, "two": 2}
        commit(repo, {"one/pyproject.toml": FILES["one/pyproject.toml"] + "xfail_strict = true\n",
                      "two/pyproject.toml": FILES["two/pyproject.toml"]})  # fmt: skip
        third = measure(db, Commit(found, resolve(found, "HEAD")), interpreter=python.interpreter)
        assert (third.base, third.selected, third.total) == (None, 2, 2)

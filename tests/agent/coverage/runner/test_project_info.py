from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from copydesk.agent.coverage.runner.coverage_py import Engine
from copydesk.agent.coverage.runner.project_info import project_info
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Interpreter, Json

FILES = {
    "src/shop/__init__.py": "",
    "src/shop/one.py": "A = 1\n",
    "tests/test_one.py": "def test_one():\n    pass\n",
    "noxfile.py": "",
}


class Counting(Engine):
    """An engine that counts how often the interpreter is asked."""

    asked = 0

    def project(self, candidates: object) -> Json:
        type(self).asked += 1
        return super().project(candidates)  # type: ignore[arg-type]


@pytest.fixture
def engine(tmp_path: Path) -> Counting:
    for path, text in FILES.items():
        (tmp_path / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / path).write_text(text)
    lent = tmp_path / "lent"
    lent.mkdir()
    version = sys.version_info[:3]
    prefix, base = Path(sys.prefix), Path(sys.base_prefix)
    Counting.asked = 0
    return Counting(
        tmp_path / "tree", Interpreter(Path(sys.executable), version, prefix, base, "test", lent)
    )


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with open_desk(tmp_path / "desk") as db:
        yield db


def test_a_survey_says_what_coverage_says_and_is_asked_once(engine: Counting, db: Database) -> None:
    first = project_info(engine, db, (), FILES)
    assert first.environment == engine.environment(())
    assert first.counted(()) == engine.counted(())
    assert first.counted(FILES) == engine.counted(FILES)
    assert project_info(engine, db, (), FILES) == first
    assert Counting.asked == 1
    assert project_info(engine, db, ("-x",), FILES).environment != first.environment
    assert Counting.asked == 1


def test_what_a_survey_follows_from_makes_a_new_one(engine: Counting, db: Database) -> None:
    first = project_info(engine, db, (), FILES)
    assert engine.interpreter.extra_path
    package = engine.interpreter.extra_path / "thing-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
    second = project_info(engine, db, (), FILES)
    assert second.environment.fingerprint != first.environment.fingerprint
    (engine.interpreter.extra_path / "thing.pth").write_text("")
    project_info(engine, db, (), FILES)
    assert Counting.asked == 3
    (engine.tree / ".coveragerc").write_text("[run]\nbranch = true\nomit = */one.py\n")
    third = project_info(engine, db, (), FILES)
    assert third.environment.branch
    assert "src/shop/one.py" not in third.counted(FILES)
    assert "src/shop/one.py" in first.counted(FILES)


def test_settings_that_coverage_does_not_read_ask_no_question(
    engine: Counting, db: Database
) -> None:
    settings = engine.tree / "pyproject.toml"
    rules = "[tool.coverage.report]\nexclude_also = ['\\.\\.\\.$']\n"
    settings.write_text(rules)
    project_info(engine, db, (), FILES)
    settings.write_text(f"[tool.ruff]\nexclude = ['${{HOME}}']\n{rules}")
    project_info(engine, db, (), FILES)
    assert Counting.asked == 1
    settings.write_text("= broken")
    with pytest.raises(CopydeskError):
        project_info(engine, db, (), FILES)


@pytest.mark.parametrize("path", ["src/shop.egg-info/PKG-INFO", ".coveragerc"])
def test_a_survey_that_follows_from_more_is_not_kept(
    engine: Counting, db: Database, path: str
) -> None:
    (engine.tree / ".coveragerc").write_text(
        "[run]\nomit = ${OMITTED}\n" if path == ".coveragerc" else "[run]\n"
    )
    project_info(engine, db, (), FILES | {path: "0"})
    project_info(engine, db, (), FILES | {path: "0"})
    assert Counting.asked == 2

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from copydesk.agent.cli.main import cli
from copydesk.agent.desk.backup import check


def run(repo: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["-C", str(repo), "backup", *words])
    return result.exit_code, result.output


def test_a_copy_by_itself_or_where_it_is_wanted(repo: Path, tmp_path: Path) -> None:
    assert run(repo, "--list") == (0, "There is no backup yet; `copydesk backup` makes one.\n")
    code, output = run(repo, "--json")
    (row,) = json.loads(output)
    assert (code, check(Path(row["path"]))) == (0, "")
    assert row["bytes"] == Path(row["path"]).stat().st_size
    code, output = run(repo, str(tmp_path / "mine.db"))
    assert output.startswith(f"{tmp_path}/mine.db (")
    assert check(tmp_path / "mine.db") == ""
    code, output = run(repo, "--list")
    assert row["path"] in output
    assert "mine.db" not in output

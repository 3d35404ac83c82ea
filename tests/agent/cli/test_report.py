import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from copydesk.agent.coverage.report import report_data


def test_markdown_is_the_default(run: Any, measured_shop: Path) -> None:
    done = run(measured_shop, "report")
    assert done.exit_code == 0
    assert "# Coverage of shop at" in done.output
    assert "prices.py:13-15" in done.output


def test_json_knows_the_tests_of_a_line(run: Any, measured_shop: Path) -> None:
    said = json.loads(run(measured_shop, "report", "--json").output)
    rows = {row["line"]: row for row in said["diff"]["prices.py"]}
    assert rows[8] == {
        "line": 8, "state": "reached", "tests": ["test_prices.py::test_discount"],
    }  # fmt: skip
    assert rows[7]["state"] == "missing"
    assert rows[2]["state"] == "plain"
    assert said["slowest"][0]["test"] == "test_prices.py::test_discount"
    assert said["next"][0]["command"] == "copydesk draft prices.py::discount"


def test_html_goes_to_a_file(
    run: Any, measured_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(measured_shop, "report", "-o", str(tmp_path / "report.html"))
    assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert str(tmp_path / "report.html") in done.output
    opened: list[str] = []
    monkeypatch.setattr(click, "launch", opened.append)
    copy = Path(shutil.copytree(measured_shop, tmp_path / "copy", symlinks=True))
    for command in (("report", "--open"), ("open",)):
        assert run(copy, *command).exit_code == 0
        assert opened.pop().startswith("file://")


def test_pages_show_the_tests_of_each_line(run: Any, measured_shop: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    for _ in range(2):
        done = run(measured_shop, "report", "--pages", "-o", str(folder))
        assert done.exit_code == 0, done.output
        assert f"Wrote {folder / 'index.html'}" in done.output
    [page] = folder.glob("prices-py-*.html")
    text = page.read_text()
    assert re.search(r"<tr id=L8 class=reached>.*reached, 1 test</button>", text)
    assert re.search(r"<tr id=L7 class=missing>", text)
    assert '["test_prices.py::test_discount","passed",' in text
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("mine")
    done = run(measured_shop, "report", "--pages", "-o", str(tmp_path / "other"))
    assert (done.exit_code, "holds something else" in done.output) == (2, True)
    done = run(measured_shop, "report", "--pages", "-o", str(tmp_path / "other" / "mine.txt" / "x"))
    assert (done.exit_code, "cannot be written" in done.output) == (2, True)


def test_the_first_commit_and_one_not_measured(
    run: Any, shop: Path, commit: Callable[..., str]
) -> None:
    done = run(shop, "report")
    assert (done.exit_code, "messages.md#not-measured" in done.output) == (2, True)


@pytest.mark.parametrize("form", ["md", "json", "html"])
def test_a_part_that_copydesk_fails_on_costs_no_other(
    run: Any, measured_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    def fail(*_: object) -> None:
        raise IndexError("no such row")

    copy = Path(shutil.copytree(measured_shop, tmp_path / "copy", symlinks=True))
    for part in ("_change", "_history", "_slowest", "flakiest_tests", "_steps"):
        monkeypatch.setattr(report_data, part, fail)
    output = tmp_path / f"report.{form}"
    done = run(copy, "report", "-o", str(output))
    assert done.exit_code == 0, done.output
    text = output.read_text()
    for part in ("line by line", "over commits", "slowest tests", "flakiest tests", "to do next"):
        assert f"{part}: left out, copydesk failed on it (IndexError: no such row" in text
    assert "50.0" in text
    assert "the slowest tests" in run(copy, "log", "--failures").output
    monkeypatch.undo()
    assert run(copy, "report", "-o", str(output)).exit_code == 0
    assert "left out, copydesk" not in output.read_text()


def test_a_model_says_what_needs_attention(
    run: Any, measured_shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Model:
        text, model = "", "small:1b"

        def ask(self, prompt: str, **_: Any) -> Any:
            rows = [json.loads(row) for row in prompt.splitlines() if row.startswith('{"id"')]
            fact = next(row["id"] for row in rows if row["kind"] == "open gap")
            said = f"{{{fact}.function}} in {{{fact}.path}} waits for tests."
            self.text = json.dumps({"sentences": [{"text": said, "facts": [fact]}]})
            return self

    monkeypatch.setattr("copydesk.agent.testgen.pipeline.reach_model", lambda *_, **__: Model())
    done = run(measured_shop, "report")
    assert "## What needs attention, in the words of small:1b" in done.output
    assert "waits for tests." in done.output
    assert "small:1b" not in run(measured_shop, "report", "--no-insight").output


def test_what_readers_say_costs_no_other_part(
    run: Any, measured_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise IndexError("no such message")

    copy = Path(shutil.copytree(measured_shop, tmp_path / "copy", symlinks=True))
    monkeypatch.setattr("copydesk.agent.cli.report._community", fail)
    done = run(copy, "report")
    assert done.exit_code == 0
    assert "what readers say: left out" in done.output
    assert "prices.py:13-15" in done.output

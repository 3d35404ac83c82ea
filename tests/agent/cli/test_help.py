from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.cli import help as pages


@pytest.mark.parametrize(
    ("topic", "text"),
    [
        ("suite-broken", "### suite-broken\n"),
        ("docs/reference/messages.md#suite-broken", "### suite-broken\n"),
        ("sandbox", "# The sandbox\n"),
        ("docs/how-to/husky-and-lefthook.md", "lefthook"),
        ("gate", "# "),
        ("accept", "Usage: copydesk accept"),
    ],
)
def test_a_message_a_page_or_a_command_is_printed_anywhere(
    run: Any, tmp_path: Path, topic: str, text: str
) -> None:
    done = run(tmp_path, "help", topic)
    assert done.exit_code == 0
    assert text in done.output


def test_one_message_ends_where_the_next_begins(run: Any, tmp_path: Path) -> None:
    assert run(tmp_path, "help", "not-a-repository").output.count("### ") == 1


def test_the_pages_are_listed(run: Any, tmp_path: Path) -> None:
    said = run(tmp_path, "help").output
    assert "how-to: " in said
    assert "first-commit" in said


def test_a_topic_that_is_not_there_names_the_nearest(run: Any, tmp_path: Path) -> None:
    done = run(tmp_path, "help", "suite-brokn")
    assert done.exit_code == 2
    assert "Did you mean 'suite-broken'?" in done.output
    assert "lists its pages" in run(tmp_path, "help", "???").output


def test_a_package_without_its_documentation_says_that_it_has_nothing(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "DOCS", tmp_path)
    assert run(tmp_path, "help", "suite-broken").exit_code == 2

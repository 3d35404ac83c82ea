import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.coverage.gate.verdict import Floors, LineStatus, judge
from copydesk.agent.coverage.report import verdict_formats
from copydesk.agent.coverage.report.ci_hosts import CiHost, detect_host


@given(st.text(min_size=1))
def test_a_path_begins_no_command_and_ends_no_property(path: str) -> None:
    lines = {path: LineStatus(missing=frozenset({3}))}
    [said] = verdict_formats.github_annotations(judge(lines, Floors(), read=lambda _: ""))
    assert "\n" not in said
    assert "\r" not in said
    properties = said.removeprefix("::error ").partition("::")[0]
    assert [pair.partition("=")[0] for pair in properties.split(",")] == [
        "file", "line", "endLine", "title",
    ]  # fmt: skip
    verdict_formats.verdict_as_markdown(judge(lines, Floors(), read=lambda _: "")).encode(
        "utf-8", "backslashreplace"
    )


def test_no_more_annotations_than_are_shown() -> None:
    many = judge(
        {"a.py": LineStatus(missing=frozenset(range(1, 50, 2)))}, Floors(), read=lambda _: ""
    )
    said = list(verdict_formats.github_annotations(many))
    assert len(said) == verdict_formats.ANNOTATIONS + 1
    assert said[-1] == "::notice::15 more places are in the summary."


def test_lines_without_every_branch_are_noted() -> None:
    lines = frozenset({2})
    found = judge({"a.py": LineStatus(lines, partial=lines)}, Floors(), read=lambda _: "")
    [said] = verdict_formats.github_annotations(found)
    assert said.startswith("::notice file=a.py,line=2,title=Not every branch is taken::")
    assert "| `a.py` | 2 |" in verdict_formats.verdict_as_markdown(found)


def test_long_lists_are_cut_in_markdown() -> None:
    missing = frozenset(range(1, 2 * verdict_formats.ROWS + 10, 2))
    found = judge({"a.py": LineStatus(missing=missing)}, Floors(), read=lambda _: "")
    assert "… and 5 more." in verdict_formats.verdict_as_markdown(found)


def test_the_host_says_what_to_compare_with(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({
        "pull_request": {"base": {"sha": "b" * 40}}, "repository": {"default_branch": "trunk"},
    }))  # fmt: skip
    github = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(event)}
    found = detect_host(github | {"GITHUB_REF": "refs/pull/1/merge"})
    assert found == CiHost("github", ("HEAD^1", "b" * 40, "origin/trunk"))
    event.write_text("no json")
    assert detect_host(github).bases == ()
    gitlab = {"GITLAB_CI": "true", "CI_COMMIT_BEFORE_SHA": "0" * 40, "CI_DEFAULT_BRANCH": "main"}
    assert detect_host(gitlab).bases == ("origin/main",)
    assert detect_host({}) == CiHost("", ("origin/HEAD",))

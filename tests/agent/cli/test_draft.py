import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.cli import draft
from copydesk.agent.records import Gap


@pytest.fixture
def copy(measured_shop: Path, tmp_path: Path) -> Path:
    """The measured shop, to be written to."""
    return Path(shutil.copytree(measured_shop, tmp_path / "copy", symlinks=True))


def test_a_gap_is_drafted_checked_and_put_on_the_desk(
    run: Any, copy: Path, git: Callable[..., str]
) -> None:
    git(copy, "config", "copydesk.sandbox", "off")
    done = run(copy, "draft", "prices.py::label")
    assert done.exit_code == 0, done.output
    assert "[1/1] prices.py::label" in done.stderr
    # the call that reached the third line gave a price of -1, which is doubted, not asserted
    assert "1: prices.py::label: 2 lines" in done.stdout
    assert "1 draft for 1 gap; `copydesk review` shows them." in done.stdout
    (again,) = json.loads(run(copy, "draft", "prices.py::label", "--json").stdout)
    assert again["state"] == "ready"


def test_gaps_are_chosen_by_name_path_rank_or_all(
    run: Any, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def stand_in(_previous: object, gaps: list[Gap], **_told: object) -> Any:
        asked.append([f"{gap.path}::{gap.function}" for gap in gaps])
        return []

    monkeypatch.setattr(draft, "write_drafts", stand_in)
    (copy / "pyproject.toml").write_text("")
    assert run(copy, "draft").exit_code == 0
    assert run(copy, "draft", "prices.py", "HEAD").exit_code == 0
    done = run(copy, "draft", "HEAD", "prices.py::discount")
    assert run(copy, "draft", "--all").exit_code == 0
    assert sorted(asked[0]) == ["prices.py::discount", "prices.py::label"]
    assert sorted(asked[1]) == sorted(asked[3]) == sorted(asked[0])
    assert asked[2] == ["prices.py::discount"]
    assert "No draft passed its check; `copydesk drafts --all` says why." in done.output


def test_what_is_no_gap_is_refused(run: Any, measured_shop: Path) -> None:
    done = run(measured_shop, "draft", "prices.py::nothing")
    assert done.exit_code == 2
    assert "messages.md#no-such-gap" in done.output
    done = run(measured_shop, "draft", "HEAD", "main")
    assert done.exit_code == 2
    assert "both taken for a commit" in done.output


def test_without_sandbox_nothing_is_drafted(
    run: Any, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from copydesk.agent.sandbox.records import Capability, Tier
    from copydesk.agent.testgen.project import workspace

    monkeypatch.setattr(
        workspace, "detect", lambda *_, **__: Capability(Tier.NONE, "no bubblewrap")
    )
    done = run(copy, "draft")
    assert done.exit_code == 2
    assert "messages.md#no-sandbox" in done.output


def test_a_covered_name_costs_only_itself(
    run: Any, measured_shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def stand_in(_previous: object, gaps: list[Gap], **_told: object) -> Any:
        asked.extend(f"{gap.path}::{gap.function}" for gap in gaps)
        return []

    monkeypatch.setattr(draft, "write_drafts", stand_in)
    names = ("prices.py::nothing", "prices.py::label", "prices.py")
    done = run(measured_shop, "draft", *names)
    assert done.exit_code == 0
    assert "prices.py::nothing has no uncovered code in this commit: passed over" in done.output
    assert asked.count("prices.py::label") == 1


def test_the_getter_and_the_setter_of_a_property_are_one_function() -> None:
    getter = Gap("0" * 40, "a.py", "Box.size", 3, 4, (4,))
    setter = Gap("0" * 40, "a.py", "Box.size", 6, 7, (7,))
    assert draft._functions([getter, setter]) == 1
    assert draft._functions([getter, Gap("0" * 40, "b.py", "Box.size", 3, 4, (4,))]) == 2

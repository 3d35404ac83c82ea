"""`copydesk train` and `copydesk predict`, as they are typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from copydesk.agent.cli.main import cli
from copydesk.predictor.subjects.commits.model import read_rows
from copydesk.predictor.subjects.market.bar_sources import made_up

Commit = Callable[..., str]
BODY = "def price(x):\n    if x > 3:\n        return x - 1\n    return x\n"


@pytest.fixture
def run(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(repo)
    return lambda *words: CliRunner().invoke(cli, words)


def test_a_commit_is_predicted_with_reasons(
    repo: Path, commit: Commit, run: Callable[..., Result]
) -> None:
    commit(repo, {"a.py": BODY}, "Add price")
    said = run("predict")
    assert said.exit_code == 0
    assert "a.py::price" in said.output
    assert "it is new" in said.output
    assert "By: prior." in said.output
    found = json.loads(run("predict", "HEAD", "--json").stdout)
    assert found["in_force"] == "prior"
    (one,) = found["functions"]
    assert (one["path"], one["function"], one["outcome"]) == ("a.py", "price", None)
    assert 0 < one["probability"] < 1
    commit(repo, {"b.txt": "x"})
    assert "No commit changed a function" in run("predict").output


def test_drafts_are_predicted(run: Callable[..., Result]) -> None:
    assert "No draft waits" in run("predict", "--drafts").output
    assert json.loads(run("predict", "--drafts", "--json").stdout) == []


def test_training_here_keeps_a_model(
    repo: Path, commit: Commit, run: Callable[..., Result]
) -> None:
    commit(repo, {"a.py": BODY}, "Add price")
    said = run("train")
    assert said.exit_code == 0
    assert "In force: prior." in said.output
    assert "too few, or too recent, to test" in said.output
    assert (repo / ".git/copydesk/models/commits/card.md").is_file()
    assert json.loads(run("train", "--json").stdout)["commits"] == 1
    assert "rows.jsonl: 1 changed functions, 0 held" in run("train", "--rows", "rows.jsonl").output
    said = json.loads(run("train", "--rows", "rows.jsonl", "--json").stdout)
    assert said == {"file": "rows.jsonl", "rows": 1, "defective": 0}
    (row,) = read_rows(repo / "rows.jsonl")
    assert row.inputs["new_function"] == 1


def test_a_prior_of_one_kind_of_label_is_refused(
    repo: Path, commit: Commit, run: Callable[..., Result]
) -> None:
    commit(repo, {"a.py": BODY}, "Add price")
    said = run("train", "--prior", str(repo), "--out", "prior")
    assert said.exit_code == 2
    assert "both labels" in said.output
    assert "messages.md#predictor-refused" in said.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train", "--prior", "x"), "--out FOLDER"),
        (("train", "--subject", "market", "--rows", "x"), "--rows is of commits"),
        (("train", "--subject", "market", "x.csv"), "--out FOLDER"),
        (("train", "--subject", "market", "none.csv", "--out", "m"), "cannot be read"),
        (("train", "--subject", "market", "--out", "m"), "name one source of bars"),
        (("predict", "--subject", "market", "x.csv"), "--model FOLDER"),
        (("predict", "--subject", "market", "--model", "m", "--synthetic", "1"), "no model"),
        (("train", "nosuch.csv"), "CSV is of prices; add --subject market"),
        (("train", "--sample", "AAPL"), "--sample is of prices"),
        (("train", "--as-is"), "--as-is is of prices"),
        (("train", "--out", "m"), "--out is not used here"),
        (("train", "--rows", "x", "--prior", "y"), "--prior does not go with --rows"),
        (("train", "--subject", "market", "--prior", "x", "--out", "m"), "--prior is of commits"),
        (("predict", "--model", "m"), "--model is of prices"),
        (("predict", "--yahoo", "X"), "--yahoo is of prices"),
        (("predict", "HEAD", "--drafts"), "REV does not go with --drafts"),
        (("predict", "--subject", "market", "--drafts"), "--drafts is of commits"),
    ],
)
def test_what_is_missing_or_would_be_ignored_is_named(
    run: Callable[..., Result], words: tuple[str, ...], said: str
) -> None:
    found = run(*words)
    assert found.exit_code == 2
    assert said in found.output


def test_a_market_is_trained_and_predicted(tmp_path: Path, run: Callable[..., Result]) -> None:
    rows = [",".join(map(str, bar)) for bar in made_up(420, seed=2)]
    csv = tmp_path / "bars.csv"
    csv.write_text("\n".join(["date,open,high,low,close,volume", *rows]) + "\n")
    model = str(tmp_path / "m")
    said = run("train", "--subject", "market", str(csv), "--out", model)
    assert said.exit_code == 0
    assert "direction is not predicted" in said.output
    found = json.loads(
        run("predict", "--subject", "market", str(csv), "--model", model, "--json").stdout
    )
    assert found["range_percent_low"] < found["range_percent"] < found["range_percent_high"]
    assert (
        "8 in 10 days" in run("predict", "--subject", "market", str(csv), "--model", model).output
    )

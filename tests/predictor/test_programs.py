"""train.py and predict.py on commits, as they are started by hand.

Three of these began as drafts of copydesk's own: see docs/explanation/dogfood.md.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.predictor import predict, streamlit_app, train
from copydesk.predictor.core.errors import PredictorError
from copydesk.predictor.subjects.commits.model import load
from copydesk.predictor.subjects.commits.train import INPUTS

Commit = Callable[..., str]
BODY = "def price(x):\n    if x > 3:\n        return x - 1\n    return x\n"


def test_a_repository_is_trained_on_and_predicted(
    repo: Path, commit: Commit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "m"
    assert train.main(["--subject", "commits", str(repo), "--out", str(out)]) == 0
    assert predict.main(["--subject", "commits", str(out), str(repo)]) == 0
    assert "No commit changed a function." in capsys.readouterr().out
    sha = commit(repo, {"a.py": BODY}, "Add price")
    assert train.main(["--subject", "commits", str(repo), "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "In force: prior." in said.out
    assert "1 commits, 0 fixes, 1 changed functions" in said.err
    assert load(out).in_force == "prior"
    assert predict.main(["--subject", "commits", str(out), str(repo)]) == 0
    said = capsys.readouterr()
    assert f"Functions that {sha[:8]} changed" in said.out
    assert "a.py::price" in said.out
    assert predict.main(["--subject", "commits", str(out), str(repo), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["functions"][0]["function"] == "price"


def test_a_prior_is_fitted_on_rows_of_several_histories(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance, files = random.Random(1), []
    for name in ("one", "two"):
        path = tmp_path / f"{name}.jsonl"
        rows = [
            {
                "time": 86_400.0 * i * 3,
                "inputs": {key: chance.randrange(20) for key in INPUTS},
                "fixed_at": 86_400.0 * i * 3 + 9 if i % 5 == 0 else None,
            }
            for i in range(300)
        ]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        files.append(str(path))
    out = tmp_path / "prior"
    assert train.main(["--subject", "commits", "--out", str(out), "--json", "--prior", *files]) == 0
    card = json.loads(capsys.readouterr().out)
    assert list(card["about"]) == ["one.jsonl", "two.jsonl"]
    assert load(out).prior.names == INPUTS


def test_a_history_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("first line\nsecond line\n")
    with pytest.raises(PredictorError, match=r"data\.txt: no history can be read"):
        train._careful(len)(tmp_path / "data.txt")  # type: ignore[arg-type]
    with pytest.raises(PredictorError, match="no history can be read"):
        train.registered_history()(tmp_path)


def test_nothing_installed_that_reads_histories(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "entry_points", lambda group: [])
    with pytest.raises(PredictorError, match="give a file of rows"):
        train.registered_history()


def test_verdict_of_no_found() -> None:
    assert streamlit_app._verdict(None) == "no edge: too few bars to test it"


def test_a_model_alone_says_which_bars_are_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert predict.main(argv=["abc", "--subject", "commits"]) == 2
    assert "abc: no model" in capsys.readouterr().err
    assert predict.main(argv=["abc"]) == 2
    assert "name one source of bars" in capsys.readouterr().err

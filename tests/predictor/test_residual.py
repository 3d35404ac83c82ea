"""Trees on top of a prior. Needs CatBoost: make test-extras."""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.predictor.core import model_files
from copydesk.predictor.core.errors import PredictorError
from copydesk.predictor.core.model_card import markdown
from copydesk.predictor.core.model_selection import Verdict
from copydesk.predictor.core.prior import Prior
from copydesk.predictor.core.residual_model import Residual, available, need_catboost
from copydesk.predictor.subjects.commits import train
from copydesk.predictor.subjects.commits.train import RESIDUAL, Row, Trained
from copydesk.predictor.subjects.market import ranges
from copydesk.predictor.subjects.market.bar_sources import made_up

INPUTS = ("a", "b")
PRIOR = Prior(INPUTS, (1.0, 0.0), (1.0, 1.0), (0.8, 0.1), -1.0)
needs_catboost = pytest.mark.skipif(not available(), reason="CatBoost: make test-extras")


def test_without_catboost_the_command_that_adds_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    for refused in (
        need_catboost,
        lambda: Residual.fit(INPUTS, [{}], [1.0], [0.0]),
        lambda: Residual.from_bytes(b"CBM1"),
    ):
        with pytest.raises(PredictorError, match=r'pip install "copydesk\[predictor\]"'):
            refused()


def test_without_catboost_the_prior_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    compared = ranges.compare(ranges.rows_of(made_up(400)))
    assert ranges.RESIDUAL not in compared.hold_out.by_model
    chance = random.Random(1)
    rows = []
    for i in range(600):
        inputs = {name: chance.random() * 9 for name in train.INPUTS}
        at = i * train.DAY
        rows.append(Row(at, inputs, at + 1 if chance.random() < 0.2 else None))
    found = train.train(rows, Prior(("branches",), (0,), (1,), (1,), 0), 2000 * train.DAY)
    assert "no trees were tried: CatBoost is not installed" in " ".join(found.card["why"])


def learned(count: int = 400) -> tuple[Residual, list[dict[str, float | None]], list[float]]:
    """Trees that learnt that b matters, which the prior does not know."""
    chance = random.Random(2)
    rows: list[dict[str, float | None]] = [
        {"a": chance.random() * 5, "b": None if i % 7 == 0 else chance.random()}
        for i in range(count)
    ]
    labels = [float(chance.random() < (0.7 if (row["b"] or 0) > 0.5 else 0.1)) for row in rows]
    prior = [PRIOR.logit(row) for row in rows]
    return Residual.fit(INPUTS, rows, labels, prior), rows, labels


@pytest.fixture(scope="module")
def residual() -> Residual:
    return learned()[0]


@needs_catboost
def test_what_the_prior_misses_is_learnt(residual: Residual) -> None:
    low, high = residual.adds([{"a": 1.0, "b": 0.1}, {"a": 1.0, "b": 0.9}])
    assert high > low + 0.5
    _, rows, _ = learned()
    assert math.fsum(residual.adds(rows)) / len(rows) == pytest.approx(0, abs=1e-9)
    assert residual.adds([]) == residual.explain([]) == []


@needs_catboost
@settings(deadline=None)
@given(
    a=st.none() | st.floats(-1e6, 1e6),
    b=st.none() | st.floats(-1e6, 1e6),
)
def test_the_explanation_sums_to_the_logit(a: float | None, b: float | None) -> None:
    model = Trained(RESIDUAL, PRIOR, _SHARED.setdefault("model", learned()[0]), {})
    row = {"a": a, "b": b}
    (terms,), (logit,) = model.explain([row]), model.logits([row])
    assert math.fsum(term.contribution for term in terms) == pytest.approx(logit, abs=1e-6)


_SHARED: dict[str, Residual] = {}


@needs_catboost
def test_the_same_rows_give_the_same_bytes_of_predictions(residual: Residual) -> None:
    again, rows, _ = learned()
    assert again.adds(rows) == residual.adds(rows)


@needs_catboost
def test_trees_come_back_from_disk_as_they_were(residual: Residual, tmp_path: Path) -> None:
    rows: list[dict[str, float | None]] = [{"a": 2.0, "b": 0.3}, {"a": None, "b": 0.8}]
    card = {"subject": "commits", "in_force": RESIDUAL}
    model_files.save(tmp_path / "m", PRIOR.to_json(), residual, card, "")
    back = model_files.load(tmp_path / "m", "commits").residual
    assert back is not None
    assert (back.names, back.loss) == (INPUTS, "Logloss")
    assert back.adds(rows) == pytest.approx(residual.adds(rows), abs=1e-12)
    model_files.save(tmp_path / "m", PRIOR.to_json(), None, card, "")
    assert not (tmp_path / "m" / model_files.RESIDUAL).exists()


@needs_catboost
def test_bytes_that_are_no_model_of_ours_are_refused(residual: Residual) -> None:
    from catboost import CatBoostRegressor

    whole = residual.to_bytes()
    foreign = CatBoostRegressor(iterations=1, verbose=False, allow_writing_files=False)
    foreign.fit([[1.0], [2.0]], [1.0, 2.0])
    for raw, said in (
        (b"", "not a CatBoost model"),
        (b"PK\x03\x04", "not a CatBoost model"),
        (whole[: len(whole) // 2], "not a model of copydesk's"),
        (foreign._serialize_model(), "not a model of copydesk's"),
    ):
        with pytest.raises(PredictorError, match=said):
            Residual.from_bytes(raw)


@needs_catboost
def test_an_input_that_no_row_knows_takes_no_part() -> None:
    plain, rows, labels = learned()
    prior = [PRIOR.logit(row) for row in rows]
    empty = Residual.fit((*INPUTS, "c"), rows, labels, prior)
    assert empty.names == Residual.from_bytes(empty.to_bytes()).names == INPUTS
    assert empty.adds(rows) == plain.adds(rows)
    assert empty.adds([{"a": 1.0, "b": 0.9, "c": 5.0}]) == plain.adds([{"a": 1.0, "b": 0.9}])
    few: list[dict[str, float | None]] = [row | {"c": float(i)} for i, row in enumerate(rows[:5])]
    assert Residual.fit((*INPUTS, "c"), few + rows[5:], labels, prior).names == (*INPUTS, "c")


@needs_catboost
def test_the_card_names_what_the_trees_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "decide", lambda _: Verdict(RESIDUAL, ("made so",)))
    chance = random.Random(3)
    rows = []
    for i in range(600):
        inputs: dict[str, float | None] = {n: chance.random() * 9 for n in train.INPUTS}
        fixed = i * train.DAY + 1 if chance.random() < 0.2 else None
        rows.append(Row(i * train.DAY, inputs, fixed))
    flat = Prior(("branches",), (0,), (1,), (1,), 0)
    found = train.train(rows, flat, 2000 * train.DAY)
    assert found.card["inputs"] == list(train.INPUTS)
    assert f"It looks at: {', '.join(train.INPUTS)}." in markdown(found.card)
    measured = [r._replace(inputs={**r.inputs, "covered_share": r.time % 7}) for r in rows]
    assert "covered_share" in train.train(measured, flat, 2000 * train.DAY).card["inputs"]


@needs_catboost
def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(PredictorError, match="nothing to learn from"):
        Residual.fit(INPUTS, [{"a": 1.0}] * 5, [1.0] * 5, [0.0] * 5)
    with pytest.raises(PredictorError, match="nothing to learn from"):
        Residual.fit(INPUTS, [{"a": 1.0}] * 5, [1.0] * 5, [0.0] * 5, loss="RMSE")


@needs_catboost
def test_a_residual_that_earns_it_is_in_force(tmp_path: Path) -> None:
    chance, rows = random.Random(3), []
    for i in range(1500):
        inputs: dict[str, float | None] = {
            name: float(round(math.exp(chance.gauss(1, 1)))) for name in train.INPUTS
        }
        risk = 0.05 + 0.1 * ((inputs["branches"] or 0) > 3) + 0.4 * ((inputs["arguments"] or 0) > 5)
        at = 2000 * train.DAY * i / 1500
        fixed = at + 9 * train.DAY if chance.random() < risk else None
        rows.append(Row(at, inputs, fixed))
    prior = Prior(("branches",), (1.2,), (0.7,), (0.6,), -2.0)
    found = train.train(rows, prior, 2000 * train.DAY)
    assert found.in_force == RESIDUAL
    assert found.residual is not None
    assert found.card["why"][-1].startswith("prior + residual beat prior: log loss")


@needs_catboost
def test_catboost_is_not_imported_before_it_is_needed() -> None:
    import subprocess

    code = (
        "import sys, copydesk.agent.daemon.job_steps, copydesk.predictor.train;"
        "assert 'catboost' not in sys.modules and 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@needs_catboost
def test_trees_on_ranges_stand_where_they_add_enough() -> None:
    compared = ranges.compare(ranges.rows_of(made_up(700)))
    figures = compared.figures["hold-out"]
    gain = figures[ranges.RESIDUAL]["R²"] - figures[ranges.HAR]["R²"]
    if compared.verdict.in_force == ranges.RESIDUAL:
        assert gain >= ranges.WORTH
    else:
        assert ranges.RESIDUAL in compared.verdict.why[-1] or ranges.HAR in compared.verdict.why[-1]

"""The commits subject: splits in time, the gate, training, the model on disk."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.predictor.core import model_card, model_files
from copydesk.predictor.core.errors import PredictorError
from copydesk.predictor.core.model_selection import select_model
from copydesk.predictor.core.prior import Prior, offset, sigmoid
from copydesk.predictor.core.time_split import folds, known_labels
from copydesk.predictor.draft_acceptance import Decision, chances
from copydesk.predictor.rank_tests import AffectedTest, rate, riskiest_first, similarity
from copydesk.predictor.subjects.commits import model, train
from copydesk.predictor.subjects.commits.train import (
    BASELINE,
    DAY,
    INPUTS,
    OWN,
    PRIOR,
    RESIDUAL,
    Row,
)

NOW = 2000 * DAY


def history(count: int = 1500, *, seed: int = 1, kind: str = "branches") -> list[Row]:
    """Changed functions over five years; `kind` is what makes them defective."""
    chance, rows = random.Random(seed), []
    for i in range(count):
        inputs: dict[str, float | None] = {
            name: float(round(math.exp(chance.gauss(1, 1)))) for name in INPUTS
        }
        weight = {"branches": 0.9, "lines_added_in_commit": 0.1}
        if kind == "size":
            weight = {"branches": 0.0, "lines_added_in_commit": 1.2}
        logit = -4.0 + sum(w * math.log1p(inputs[n] or 0) for n, w in weight.items())
        if kind == "own":  # something the prior has never heard of
            logit = -4.0 + 3.5 * ((inputs["arguments"] or 0) > 6)
        time = NOW * i / count
        bad = kind != "none" and chance.random() < sigmoid(logit)
        if kind == "none":
            bad = chance.random() < 0.1
        rows.append(Row(time, inputs, time + chance.expovariate(1 / 60) * DAY if bad else None))
    return rows


def knows_branches() -> Prior:
    return Prior(("branches", "lines_added_in_commit"), (1.2, 1.2), (0.7, 0.7), (0.6, 0.1), -2.4)


# splits


@given(
    st.lists(st.integers(0, 30), min_size=5, max_size=80), st.floats(0.2, 0.8), st.integers(1, 5)
)
def test_folds_never_see_the_future_or_cut_a_commit(
    steps: list[int], first: float, count: int
) -> None:
    times, now = [], 0.0
    for step in steps:
        now += step
        times.append(now)
    tested = []
    for fold in folds(times, first=first, count=count, gap=7):
        assert all(times[i] < fold.cutoff - 7 for i in fold.train)
        assert all(times[i] >= fold.cutoff for i in fold.test)
        assert fold.test.start == 0 or times[fold.test.start - 1] < times[fold.test.start]
        tested += fold.test
    assert tested == sorted(set(tested))


def test_shuffled_rows_are_refused() -> None:
    times = [row.time for row in history(50)]
    random.Random(0).shuffle(times)
    with pytest.raises(PredictorError, match="never shuffled"):
        list(folds(times))
    with pytest.raises(ValueError, match="between 0 and 1"):
        list(folds([1.0, 2.0], first=1.0))
    assert list(folds([5.0, 5.0, 5.0])) == []


def test_a_label_counts_only_from_the_day_of_its_fix() -> None:
    assert known_labels([True, True, False], [5.0, 15.0, None], range(3), 10.0) == [
        True,
        False,
        False,
    ]


# the gate


def test_the_gate_stops_below_the_first_that_loses() -> None:
    figure = {"one": 1, "two": 3, "three": 2, "four": 9}
    verdict = select_model(
        list(figure), lambda a, b: "" if figure[a] > figure[b] else f"not above {b}"
    )
    assert verdict.in_force == "two"
    assert verdict.why == ("two beat one", "three was not chosen: not above two")


def test_a_prior_that_surely_loses_to_size_gives_way() -> None:
    found = train.train(history(kind="size"), knows_branches(), NOW)
    assert found.in_force == BASELINE
    assert found.prior.names == (train.SIZE,)
    assert "lines added beat prior: log loss" in found.card["why"][0]


def test_a_prior_that_loses_less_stands() -> None:
    found = train.train(history(), knows_branches(), NOW)
    assert found.in_force in (PRIOR, RESIDUAL)
    assert "lines added was not chosen" in found.card["why"][0]
    figures = found.card["figures"]
    assert figures[PRIOR]["log loss"] < figures[BASELINE]["log loss"]


def test_only_what_surely_loses_less_takes_the_place_of_the_prior(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(train, "TRY_OWN", 40)
    found = train.train(history(kind="own"), knows_branches(), NOW)
    size, own = found.card["why"][:2]
    assert size.startswith("lines added was not chosen: log loss 0.2897 against 0.3036 of prior")
    assert size.endswith("less in 96.8% of resampled histories (99% needed)")
    assert own.startswith("own prior beat prior: log loss 0.2590 against 0.3036 of prior")
    figures = found.card["figures"]
    assert figures[OWN]["log loss"] < figures[PRIOR]["log loss"]
    assert found.in_force in (OWN, RESIDUAL)
    if found.in_force == OWN:
        assert found.prior.names == INPUTS


def test_few_defects_make_no_prior_of_the_projects_own() -> None:
    found = train.train(history(700), knows_branches(), NOW)
    assert OWN not in found.card["figures"]


@pytest.mark.parametrize(
    ("size", "own", "trees", "in_force"),
    [
        (0.1, 0.1, 0.2, PRIOR),
        (0.1, 0.1, 0.31, RESIDUAL),
        (0.1, 0.4, 0.31, OWN),  # what the trees have to beat is the project's own prior then
        (0.1, 0.4, 0.5, RESIDUAL),
        (0.4, 0.1, 0.6, BASELINE),
        (0.1, None, None, PRIOR),
    ],
)
def test_the_gate_asks_each_model_to_lose_less_than_the_one_in_force(
    size: float, own: float | None, trees: float | None, in_force: str
) -> None:
    """Each model gives every defect the chance named, every other row a twentieth."""
    said = train.decide(scored({BASELINE: size, PRIOR: 0.3, OWN: own, RESIDUAL: trees}))
    assert said.in_force == in_force
    assert f"of {PRIOR}" in said.why[0]


def scored(chances: dict[str, float | None]) -> train.Scored:
    """Twenty defects, each of a commit of its own, and eighty rows that are none."""
    labels = [True] * 20 + [False] * 80
    return train.Scored(
        [labels],
        [[float(i) for i in range(100)]],
        [[1.0] * 100],
        {
            name: [[chance if bad else 0.05 for bad in labels]]
            for name, chance in chances.items()
            if chance is not None
        },
    )


def test_too_few_defects_leave_the_shipped_prior() -> None:
    rows = [row._replace(fixed_at=None) for row in history(60)]
    found = train.train(rows, knows_branches(), NOW)
    assert (found.in_force, found.residual) == (PRIOR, None)
    assert "too few" in found.card["why"][0]
    assert train.train([], knows_branches(), NOW).card["about"]["changed functions"] == 0


def test_labels_dealt_at_random_teach_nothing() -> None:
    rows = train.ripe(history(kind="none"), NOW)
    fitted = train.fit_prior(rows[:600], [row.fixed_at is not None for row in rows[:600]])
    scored = train.compare(rows[600:], fitted, NOW)
    labels = [y for part in scored.labels for y in part]
    hits, rest = sum(labels), len(labels) - sum(labels)
    error = math.sqrt((hits + rest + 1) / (12 * hits * rest))
    for name, held in train.figures(scored).items():
        assert abs(held["AUC"] - 0.5) < 3 * error, name


def test_figures_that_look_ahead_are_better_and_never_shown() -> None:
    """The control of the test above: labels from the future would show."""
    rows = train.ripe(history(), NOW)
    honest = known_labels(
        [r.fixed_at is not None for r in rows],
        [r.fixed_at for r in rows],
        range(900),
        rows[900].time,
    )
    all_known = [r.fixed_at is not None for r in rows[:900]]
    assert sum(honest) < sum(all_known)


def test_one_kind_of_label_makes_no_prior() -> None:
    with pytest.raises(PredictorError, match="both labels"):
        train.fit_prior(history(5), [False] * 5)
    with pytest.raises(ValueError, match="both labels"):
        offset([0.0], [1.0])


@given(st.lists(st.floats(-5, 5), min_size=4, max_size=30), st.integers(1, 3))
def test_an_offset_gives_the_share(logits: list[float], hits: int) -> None:
    labels = [1.0] * hits + [0.0] * (len(logits) - hits)
    moved = offset(logits, labels)
    mean = sum(sigmoid(z + moved) for z in logits) / len(logits)
    assert mean == pytest.approx(hits / len(logits), abs=1e-6)


# on disk


def test_a_model_comes_back_as_it_was(tmp_path: Path) -> None:
    kept = model.save(tmp_path / "m", train.train(history(), knows_branches(), NOW))
    back = model.load(tmp_path / "m")
    assert (back.in_force, back.prior, back.card) == (kept.in_force, kept.prior, kept.card)
    rows = [row.inputs for row in history(20, seed=5)]
    assert back.probabilities(rows) == pytest.approx(kept.probabilities(rows))
    assert model.identity(back) == model.identity(kept) != model.identity(model.shipped())
    page = (tmp_path / "m" / "card.md").read_text()
    assert f"**In force: {kept.in_force}.**" in page
    assert "| lines added |" in page


def _break_hash(folder: Path) -> None:
    path = folder / "prior.json"
    path.write_bytes(path.read_bytes() + b" ")


def _break_json(folder: Path) -> None:
    (folder / "card.json").write_text("{")


def _foreign(folder: Path) -> None:
    written = json.loads((folder / "card.json").read_text()) | {"subject": "market"}
    (folder / "card.json").write_text(json.dumps(written))


def _other_file(folder: Path) -> None:
    written = json.loads((folder / "card.json").read_text())
    written["sha256"]["../secret"] = "0" * 64
    (folder / "card.json").write_text(json.dumps(written))


def _no_prior(folder: Path) -> None:
    model_files.save(folder, {"x": 1}, None, {"subject": "commits", "in_force": "prior"}, "")


def _gone(folder: Path) -> None:
    (folder / "prior.json").unlink()


def _huge(folder: Path) -> None:
    (folder / "card.json").write_bytes(b" " * (model_files._LIMIT + 2))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_break_hash, "not the file its card was made for"),
        (_break_json, "copydesk train --subject commits"),
        (_foreign, "'market' model"),
        (_other_file, "which is no file of a model"),
        (_no_prior, "not a prior"),
        (_gone, "cannot be read"),
        (_huge, "larger than a model"),
    ],
)
def test_a_damaged_model_is_refused(tmp_path: Path, damage: object, said: str) -> None:
    assert callable(damage)
    folder = tmp_path / "m"
    model.save(folder, train.train([], knows_branches(), NOW))
    damage(folder)
    with pytest.raises(PredictorError, match=said):
        model.load(folder)


def test_a_model_cannot_be_written_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "m").write_text("mine")
    with pytest.raises(PredictorError, match="cannot be written"):
        model.save(tmp_path / "m", model.shipped())


def test_a_card_shows_numbers_lists_and_gaps() -> None:
    page = model_card.markdown(
        {
            "title": "T", "predicts": "P", "about": {"n": 1234, "names": ["a", "b"], "yes": True},
            "figures": {"a": {"x": 0.12345}, "b": {"y": 2}}, "in_force": "b",
            "why": ["because"], "limits": ["few"],
        }
    )  # fmt: skip
    assert "- n: 1,234\n- names: a, b\n- yes: True" in page
    assert "| a | 0.123 |  |" in page
    assert "| **b** |  | 2 |" in page


def test_rows_are_read_or_the_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    good = {"time": 5, "inputs": {"branches": 2, "churn": None}, "fixed_at": 9}
    path.write_text(json.dumps(good) + "\n")
    assert model.read_rows(path) == [Row(5.0, {"branches": 2.0, "churn": None}, 9.0)]
    for line in ("{", "[]", '{"time": 1}', '{"time": 1, "inputs": 3, "fixed_at": null}'):
        path.write_text(json.dumps(good) + "\n" + line + "\n")
        with pytest.raises(PredictorError, match=r"rows\.jsonl, line 2"):
            model.read_rows(path)
    with pytest.raises(PredictorError, match="cannot be read"):
        model.read_rows(tmp_path / "none")
    rows = [Row(5.5, {"branches": 2.0, "churn": None}, 9.0), Row(6.0, {}, None)]
    model.write_rows(path, rows)
    assert model.read_rows(path) == rows
    with pytest.raises(PredictorError, match="cannot be written"):
        model.write_rows(tmp_path, rows)


# drafts and tests


def test_acceptance_starts_at_what_is_known_and_follows_the_editor() -> None:
    (first,) = chances([("test/embedded", {})], [])
    assert first.probability == pytest.approx(0.73)
    assert (first.in_force, first.reasons) == ("running rate", ("none was decided on yet",))
    decided = [Decision("test/embedded", {}, False)] * 10 + [Decision("test/m", {}, True)] * 4
    (later,) = chances([("test/embedded", {})], decided)
    assert later.probability == pytest.approx(7.3 / 20)
    assert later.reasons == ("0 of 10 such drafts were accepted",)


def test_a_model_of_the_drafts_must_beat_the_running_rate() -> None:
    chance = random.Random(1)

    def decided(count: int, telling: bool) -> list[Decision]:
        found = []
        for _ in range(count):
            killed = float(chance.randrange(20))
            kept = killed > 9 if telling else chance.random() < 0.5
            found.append(Decision("test/embedded", {"mutants_killed": killed}, kept))
        return found

    ask = [("test/embedded", {"mutants_killed": 19.0}), ("test/embedded", {"mutants_killed": 1.0})]
    high, low = chances(ask, decided(120, True))
    assert high.in_force == "logistic"
    assert high.probability > 0.8 > 0.2 > low.probability
    assert high.reasons == ("mutants killed: 19 (+)",)
    assert chances(ask, decided(120, False))[0].in_force == "running rate"
    assert chances(ask, decided(49, True))[0].in_force == "running rate"
    lopsided = [Decision("g", {}, True)] * 60 + [Decision("g", {}, False)] * 20
    assert chances(ask, lopsided)[0].in_force == "running rate"


def test_tests_that_failed_lately_and_fit_the_change_run_first() -> None:
    failed = AffectedTest(runs=4, failures=2, days_since_failure=1)
    long_ago = AffectedTest(runs=4, failures=2, days_since_failure=400)
    named = AffectedTest(runs=4, similarity=1.0)
    plain = AffectedTest(runs=4, breadth=30)
    assert riskiest_first([plain, long_ago, named, failed]) == [3, 2, 1, 0]
    assert rate(failed).reasons[0] == "failed 2 of 4 times"
    assert rate(AffectedTest(covers=20)).reasons[0] == "covers 20 of the changed lines"
    assert rate(named).reasons[0] == "its name is like the change's"


@given(
    st.builds(
        AffectedTest,
        covers=st.none() | st.integers(0, 999),
        runs=st.integers(0, 99),
        failures=st.integers(0, 99),
        days_since_failure=st.none() | st.floats(0, 1e4),
        similarity=st.floats(0, 1),
        breadth=st.integers(0, 9999),
    )
)
def test_a_rating_is_a_number_with_words(test: AffectedTest) -> None:
    found = rate(test._replace(failures=min(test.failures, test.runs)))
    assert 0 <= found.value <= 1.5
    assert len(found.reasons) <= 3


def test_names_are_compared_by_their_words() -> None:
    assert similarity("tests/test_prices.py::test_x", ["src/shop/prices.py"]) == 1
    assert similarity("tests/test_prices.py::test_x", ["src/shop/old_prices.py"]) == 0.5
    assert similarity("tests/test_a.py::test_x", ["b.py", ""]) == 0

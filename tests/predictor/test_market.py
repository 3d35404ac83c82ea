"""The market subject: bars in, range out, no leak and no claim that was not earned."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.predictor import predict, train
from copydesk.predictor.core import metrics, model_files
from copydesk.predictor.core.errors import PredictorError
from copydesk.predictor.core.lookahead import refuse_lookahead
from copydesk.predictor.core.time_split import walk_forward
from copydesk.predictor.subjects.market import direction, leakage_examples, model, ranges
from copydesk.predictor.subjects.market.daily_bars import Bar
from copydesk.predictor.subjects.market.features import (
    as_percent,
    inputs,
    log_range,
    more,
    smoothed,
)

MakeBars = Callable[..., list[Bar]]
CsvOf = Callable[[list[Bar]], Path]
HEAD = "date,open,high,low,close,volume\n"


# splits and leaks


@given(st.data())
def test_nothing_is_trained_on_that_was_not_known(data: st.DataObject) -> None:
    steps = data.draw(st.lists(st.integers(1, 9), min_size=2, max_size=60))
    times = [date(2020, 1, 1)]
    for step in steps:
        times.append(times[-1] + timedelta(days=step))
    known = [*times[1:], times[-1] + timedelta(days=1)]
    first, step = data.draw(st.integers(1, 30)), data.draw(st.integers(1, 20))
    gap = timedelta(days=data.draw(st.integers(0, 5)))
    tested: list[int] = []
    for past, test in walk_forward(times, known, first=first, step=step, gap=gap):
        assert all(known[i] <= times[test[0]] - gap for i in past)
        assert not set(past) & set(test)
        if len(past) < test[0]:  # nothing that could have been used was left out
            assert known[len(past)] > times[test[0]] - gap
        tested += test
    assert tested == list(range(first, len(times)))


def test_shuffled_rows_are_refused() -> None:
    times = [date(2020, 1, 1) + timedelta(days=n) for n in range(60)]
    random.Random(0).shuffle(times)
    known = [t + timedelta(days=1) for t in times]
    with pytest.raises(PredictorError, match="never shuffled"):
        list(walk_forward(times, known, first=10, step=10))


def test_an_answer_older_than_its_row_is_refused() -> None:
    days = [date(2020, 1, 2), date(2020, 1, 3)]
    with pytest.raises(PredictorError, match="row 0: its answer was known at 2020-01-01"):
        list(walk_forward(days, [date(2020, 1, 1), days[1]], first=1, step=1))


def test_bad_arguments_of_a_split_are_bugs() -> None:
    day = [date(2020, 1, 2)]
    with pytest.raises(ValueError):
        list(walk_forward(day, day, first=0, step=1))
    with pytest.raises(ValueError):
        list(walk_forward(day, [], first=1, step=1))


def test_shuffled_bars_cannot_be_trained_on(bars_with: MakeBars, tmp_path: Path) -> None:
    bars = bars_with(400)
    bars[350], bars[360] = bars[360], bars[350]
    with pytest.raises(PredictorError, match="order of time and never shuffled"):
        model.train(bars, "shuffled", tmp_path)


def _forgot_shift(bars: Sequence[Bar]) -> list[dict[str, float] | None]:
    return [{"next_day": log_range(b)} for b in bars[1:]] + [None]


def _centred(bars: Sequence[Bar]) -> list[dict[str, float] | None]:
    ranges = [log_range(b) for b in bars]
    return [
        {"centred": sum(near) / len(near)} if len(near := ranges[i - 2 : i + 3]) else None
        for i in range(len(ranges))
    ]


def _scaled(bars: Sequence[Bar]) -> list[dict[str, float] | None]:
    top = max(b.high for b in bars)
    return [{"scaled": b.close / top} for b in bars]


@pytest.mark.parametrize(
    ("leaky", "name"),
    [(_forgot_shift, "next_day"), (_centred, "centred"), (_scaled, "scaled")],
    ids=["a forgotten shift", "a centred window", "scaled over everything"],
)
def test_an_input_that_knows_the_future_is_caught(
    bars_with: MakeBars,
    leaky: Callable[[Sequence[Bar]], list[dict[str, float] | None]],
    name: str,
) -> None:
    with pytest.raises(PredictorError, match=f"input '{name}' .* knows the future"):
        refuse_lookahead(leaky, bars_with(120))


def test_our_inputs_know_only_the_past(bars_with: MakeBars) -> None:
    bars = bars_with(120)
    refuse_lookahead(inputs, bars)
    for i in (21, 50, 119):
        assert inputs(bars)[i] == inputs(bars[: i + 1])[i]
        assert smoothed(bars)[i] == smoothed(bars[: i + 1])[i]


# training


def test_a_market_with_memory_puts_the_model_in_force(bars_with: MakeBars, tmp_path: Path) -> None:
    bars = bars_with(900)
    card = model.train(bars, "made up", tmp_path / "deep" / "er")
    error = "RMSE, hold-out"
    figures = card["figures"]
    assert card["in_force"] == ranges.HAR
    assert figures["har"][error] < min(figures[name][error] for name in ranges.BASELINES)
    assert card["why"][0].startswith("har beat ")
    trained = model.load(tmp_path / "deep" / "er")
    assert trained.card == card
    said = model.forecast(trained, bars)
    total = sum(term["contribution"] for term in said["terms"])
    assert total == pytest.approx(said["log_range"], abs=1e-12)
    assert said["low"] < said["log_range"] < said["high"]


def test_a_market_without_memory_keeps_the_model_out(bars_with: MakeBars, tmp_path: Path) -> None:
    outcomes = []
    for seed in range(4):
        bars = bars_with(500, memory=0.0, seed=seed)
        card = model.train(bars, "noise", tmp_path / str(seed))
        part = {name: held["RMSE, hold-out"] for name, held in card["figures"].items()}
        if card["in_force"] != "har":
            assert card["why"][0].startswith("har was not chosen: R²")
            assert part[card["in_force"]] == min(part[name] for name in ranges.BASELINES)
            said = model.forecast(model.load(tmp_path / str(seed)), bars)
            assert [term["name"] for term in said["terms"]] == [card["in_force"]]
        outcomes.append(card["in_force"])
    assert outcomes.count("har") <= 1


def test_training_twice_gives_the_same_files(bars_with: MakeBars, tmp_path: Path) -> None:
    for name in ("a", "b"):
        model.train(bars_with(400), "same", tmp_path / name)
    for file in (model_files.PRIOR, model_files.CARD, model_files.PAGE):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_later_bars_do_not_change_the_walk(bars_with: MakeBars) -> None:
    bars = bars_with(420)
    whole, cut = ranges.rows_of(bars), ranges.rows_of(bars[:400])
    said = [ranges.walk(rows, first=200, last=300, step=50) for rows in (whole, cut)]
    assert said[0] == said[1]


def test_too_few_bars_are_refused(bars_with: MakeBars, tmp_path: Path) -> None:
    with pytest.raises(PredictorError, match=r"short: 299 bars are too few .* at least 300"):
        model.train(bars_with(299), "short", tmp_path)
    with pytest.raises(PredictorError, match="there are no bars"):
        model.train([], "none", tmp_path)
    model.train(bars_with(300), "enough", tmp_path)
    trained = model.load(tmp_path)
    with pytest.raises(PredictorError, match="21 bars are too few to predict"):
        model.forecast(trained, bars_with(21))
    with pytest.raises(PredictorError, match="0 bars"):
        model.forecast(trained, [])


def test_bars_without_any_range_are_refused(bars_with: MakeBars, tmp_path: Path) -> None:
    flat = [Bar(b.date, 5, 5, 5, 5, 0) for b in bars_with(320)]
    with pytest.raises(PredictorError, match="cannot be fitted"):
        model.train(flat, "flat", tmp_path)


def test_a_hold_out_without_variation_is_refused(bars_with: MakeBars, tmp_path: Path) -> None:
    bars = bars_with(400)
    flat = [b if i < 300 else Bar(b.date, 5, 5, 5, 5, 0) for i, b in enumerate(bars)]
    with pytest.raises(PredictorError, match="nothing to compare"):
        model.train(flat, "flat", tmp_path)


@pytest.mark.parametrize("harm", ["missing", "changed", "foreign", "broken"])
def test_a_model_that_is_not_its_cards_is_refused(
    bars_with: MakeBars, tmp_path: Path, harm: str
) -> None:
    model.train(bars_with(300), "x", tmp_path)
    prior, card = tmp_path / model_files.PRIOR, tmp_path / model_files.CARD
    if harm == "missing":
        card.unlink()
    elif harm == "changed":
        prior.write_text(prior.read_text().replace("har", "rah"))
        prior.write_text(prior.read_text() + " ")
    elif harm == "foreign":
        prior.write_text("[]")
    else:
        prior.write_text("{")
    with pytest.raises(PredictorError, match=r"no model|not the file its card"):
        model.load(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(bars_with: MakeBars, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PredictorError, match="cannot be written"):
        model.train(bars_with(300), "x", tmp_path / "file")


# figures


def test_figures() -> None:
    assert metrics.r_squared([1, 2, 3], [1, 2, 3]) == 1
    assert metrics.r_squared([1, 2, 3], [2, 2, 2]) == 0
    assert metrics.rmse([1, 3], [2, 2]) == 1
    assert metrics.quantile([3, 1, 2], 0.5) == 2
    assert metrics.quantile([1, 2], 0.1) == pytest.approx(1.1)
    assert metrics.quantile([7], 0.9) == 7
    for flat in ([], [2, 2]):
        with pytest.raises(ValueError):
            metrics.r_squared(flat, flat)


def test_a_range_in_percent_is_the_range_of_the_bar() -> None:
    bar = Bar(date(2020, 1, 1), 100, 103, 100, 101, 1)
    assert as_percent(log_range(bar)) == pytest.approx(3)
    assert log_range(bar._replace(high=100.0)) == pytest.approx(
        log_range(bar._replace(high=100.001))
    )


# the commands


def test_train_and_predict_from_the_command_line(
    bars_with: MakeBars, csv_of: CsvOf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bars, out = str(csv_of(bars_with(600))), str(tmp_path / "model")
    assert train.main(["--subject", "market", bars, "--out", out]) == 0
    report = capsys.readouterr().out
    assert "In force: har." in report
    assert "| smoothed |" in report
    assert train.main([bars, "--out", str(tmp_path / "again"), "--json"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert card == json.loads((tmp_path / "again" / model_files.CARD).read_text())
    assert predict.main([out, bars, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["range_percent_low"] < said["range_percent"] < said["range_percent_high"]
    assert predict.main([out, bars]) == 0
    report = capsys.readouterr().out
    assert f"{said['range_percent']:.2f}%" in report
    assert "direction is not predicted: no edge" in report


def test_a_model_knows_its_series_with_later_days_and_refuses_another(
    bars_with: MakeBars, csv_of: CsvOf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bars = bars_with(620)
    out, later = str(tmp_path / "model"), str(csv_of(bars))
    model.train(bars[:600], "mine", Path(out))
    assert predict.main([out, later]) == 0
    halved = [
        bar._replace(open=bar.open / 2, high=bar.high / 2, low=bar.low / 2, close=bar.close / 2)
        for bar in bars
    ]
    assert predict.main([out, str(csv_of(halved))]) == 0, "adjusted for a split"
    capsys.readouterr()
    other = [bar._replace(close=bar.low if n % 2 else bar.high) for n, bar in enumerate(bars)]
    for strangers, why in ((other, "its prices differ"), (bars[601:], "it holds none of them")):
        assert predict.main([out, str(csv_of(strangers))]) == 2
        said = capsys.readouterr().err
        assert "is not the series this model was trained on, mine" in said
        assert why in said
    with pytest.raises(PredictorError, match="train it again"):
        model.refuse_other_series(model.Market({}, None, {}), bars, "the card of an older copydesk")


@pytest.mark.parametrize(
    ("program", "words", "said"),
    [
        (train, ["--prior", "x", "--out", "m"], "--prior is of commits"),
        (
            train,
            ["--subject", "commits", "--sample", "AAPL", "--out", "m"],
            "--sample is of prices",
        ),
        (predict, ["--subject", "commits", "m", "--as-is"], "--as-is is of prices"),
    ],
)
def test_an_argument_that_would_be_ignored_is_refused(
    capsys: pytest.CaptureFixture[str], program: ModuleType, words: list[str], said: str
) -> None:
    assert program.main(words) == 2
    assert said in capsys.readouterr().err


def test_a_wrong_file_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "b.csv"
    path.write_text(HEAD + "2020-01-02,x,1,1,1,1\n")
    assert train.main([str(path), "--out", str(tmp_path)]) == 2
    assert predict.main([str(tmp_path), str(path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("error: ") for line in lines)


@pytest.mark.parametrize("program", ["train", "predict"])
def test_the_programs_run_by_themselves(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"copydesk.predictor.{program}", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--subject {commits,market}" in done.stdout
    assert "examples:" in done.stdout


# direction: no edge where there is none


def test_made_up_bars_have_no_edge(bars_with: MakeBars, tmp_path: Path) -> None:
    bars = bars_with(1300, seed=3)
    found = direction.walk(bars)
    log = tmp_path / "t" / direction.TRIALS
    trials = direction.log_trials(log, "made up", found)
    again = direction.log_trials(log, "made up", found)
    assert len(again) == 2 * len(trials) == 2 * len(found.by_model)
    assert direction.read_trials(log, "another") == []
    table = direction.figures(found, again)
    edge, why = direction.verdict(table, len(again))
    assert not edge
    assert why.startswith("no edge: logistic")
    assert all(0.4 < held["accuracy"] < 0.6 for held in table.values())
    assert all(0 <= p <= 1 for said in found.by_model.values() for p in said)
    assert min(found.days) > bars[direction.FIRST].date


def test_an_edge_is_believed_when_it_is_there() -> None:
    chance = random.Random(5)
    moves = [chance.gauss(0, 0.01) for _ in range(1500)]
    skilled = [0.7 if (m > 0) == (chance.random() < 0.7) else 0.3 for m in moves]
    days = [date(2015, 1, 1) + timedelta(days=n) for n in range(1500)]
    said = {direction.ALWAYS_UP: [0.51] * 1500, direction.LOGIT: skilled}
    found = direction.Directions(days, moves, said, 1)
    ratios = [0.0, 0.01, -0.02]
    edge, why = direction.verdict(direction.figures(found, ratios), 3)
    assert edge
    assert why.startswith("an edge: logistic")


def test_costs_are_paid_on_every_change() -> None:
    assert direction.earned([0.9, 0.1, 0.9], [0.01, 0.01, 0.01], 0.001) == pytest.approx(
        [0.009, -0.001, 0.009]
    )


def test_a_damaged_log_of_trials_is_not_started_anew(tmp_path: Path) -> None:
    path = tmp_path / direction.TRIALS
    path.write_text('{"source": "x", "sharpe": 0.1}\n{\n')
    with pytest.raises(PredictorError, match=r"trials\.jsonl, line 2"):
        direction.read_trials(path, "x")
    with pytest.raises(PredictorError, match="cannot be read"):
        direction.read_trials(tmp_path, "x")


def test_the_museum_shows_each_leak_beside_the_honest_figure(bars_with: MakeBars) -> None:
    found = {e.name: e for e in leakage_examples.exhibits(bars_with(1000, seed=4))}
    assert found["forgotten shift"].shown > 0.97
    assert found["centred window"].shown > 0.6
    assert found["price level"].shown > 0.8
    assert all(e.honest < 0.56 for e in found.values() if e.figure == "accuracy")
    assert found["price level"].honest < 0


def _only_last(bars: Sequence[Bar]) -> list[dict[str, float | None] | None]:
    return [{"x": None if i + 1 < len(bars) else 1.0} for i in range(len(bars))]


def test_the_further_inputs_know_only_the_past(bars_with: MakeBars) -> None:
    bars = bars_with(400)
    refuse_lookahead(more, bars)
    rows = more(bars)
    assert rows[0]["return_1"] is None
    assert None not in rows[-1].values()
    with pytest.raises(PredictorError, match="knows the future"):
        refuse_lookahead(_only_last, bars)

"""The logistic prior."""

from __future__ import annotations

import hashlib
import json
import math
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import copydesk.predictor
from copydesk.predictor.core.linear import least_squares, solve
from copydesk.predictor.core.prior import INTERCEPT, Prior, fit, sigmoid, sign_log
from copydesk.predictor.rank_gaps import risks, score
from copydesk.predictor.subjects.commits.features import GapFeatures
from copydesk.predictor.subjects.commits.function_metrics import outermost, shapes
from copydesk.predictor.subjects.commits.model import shipped_prior
from copydesk.predictor.subjects.commits.train import Trained

COUNTS = st.none() | st.integers(0, 10**9)
COMMITS = Path(copydesk.predictor.__file__).parent / "subjects" / "commits"
VALUES = st.builds(GapFeatures, st.integers(0, 10**6), *[COUNTS] * (len(GapFeatures._fields) - 1))


@given(VALUES)
def test_the_terms_are_the_logit(gap: GapFeatures) -> None:
    prior, values = shipped_prior(), gap._asdict()
    terms = prior.explain(values)
    assert math.fsum(term.contribution for term in terms) == prior.logit(values)
    assert math.isclose(sum(t.contribution for t in terms), prior.logit(values), abs_tol=1e-9)
    assert terms[0].name == INTERCEPT
    assert [t.name for t in terms[1:]] == list(prior.names)


def test_what_is_not_known_weighs_nothing() -> None:
    prior = shipped_prior()
    assert prior.logit({}) == prior.intercept
    assert all(term.contribution == 0 for term in prior.explain({})[1:])


def test_a_prior_survives_json() -> None:
    prior = shipped_prior()
    assert Prior.from_json(json.dumps(prior.to_json())) == prior


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"format": "other", "terms": [], "intercept": 0}',
        '{"format": "copydesk-prior-1", "terms": [{"name": "a"}], "intercept": 0}',
        '{"format": "copydesk-prior-1", "terms": [], "intercept": NaN}',
        '{"format": "copydesk-prior-1", "intercept": 0, "terms": '
        '[{"name": "a", "mean": 0, "scale": 0, "weight": 1}]}',
    ],
)
def test_what_is_no_prior_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Prior.from_json(text)


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="equally long"):
        Prior(("a",), (), (1.0,), (1.0,), 0.0)


def test_the_fit_finds_the_weights_that_made_the_labels() -> None:
    chance = random.Random(7)
    rows = [[chance.randrange(200), chance.randrange(50)] for _ in range(3000)]
    labels = [
        chance.random() < sigmoid(1.5 * (sign_log(a) - 4.2) - 0.8 * (sign_log(b) - 3))
        for a, b in rows
    ]
    prior = fit(["a", "b"], rows, labels, ridge=0.1)
    raw = [w / s for w, s in zip(prior.weights, prior.scale, strict=True)]
    assert raw == pytest.approx([1.5, -0.8], abs=0.15)
    said = [prior.probability({"a": a, "b": b}) for a, b in rows]
    assert math.fsum(said) == pytest.approx(sum(labels), rel=1e-6)  # calibrated in the large


def test_shuffled_labels_teach_nothing() -> None:
    chance = random.Random(3)
    rows = [[chance.randrange(200)] for _ in range(2000)]
    prior = fit(["a"], rows, [chance.random() < 0.3 for _ in rows])
    assert abs(prior.weights[0]) < 3 / math.sqrt(2000 * 0.3 * 0.7)


def test_a_constant_input_gets_no_weight() -> None:
    prior = fit(["a", "b"], [[1, 5], [2, 5], [30, 5], [40, 5]], [False, True, False, True])
    assert prior.weights[1] == 0


@pytest.mark.parametrize("labels", [[], [True, True]])
def test_labels_of_one_kind_are_refused(labels: list[bool]) -> None:
    with pytest.raises(ValueError, match="both labels"):
        fit(["a"], [[1.0] for _ in labels], labels)


@given(st.floats(-1e4, 1e4))
def test_sigmoid_never_overflows(logit: float) -> None:
    assert 0 <= sigmoid(logit) <= 1
    assert sigmoid(logit) + sigmoid(-logit) == pytest.approx(1)


@given(st.lists(st.lists(st.integers(-9, 9), min_size=3, max_size=3), min_size=3, max_size=3))
def test_a_solution_solves(matrix: list[list[int]]) -> None:
    try:
        found = solve(matrix, [1, 2, 3])
    except ValueError:
        (a, b, c), (d, e, f), (g, h, i) = matrix
        assert a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g) == 0
        return
    for line, right in zip(matrix, [1, 2, 3], strict=True):
        assert sum(x * y for x, y in zip(line, found, strict=True)) == pytest.approx(
            right, abs=1e-6
        )


def test_least_squares_finds_a_plane_and_refuses_none() -> None:
    rows = [[x, x * x % 7] for x in range(20)]
    assert least_squares(rows, [3 + 2 * a - b for a, b in rows]) == pytest.approx([3, 2, -1])
    with pytest.raises(ValueError, match="needs rows"):
        least_squares([], [])
    with pytest.raises(ValueError, match="no single solution"):
        least_squares([[1, 2], [2, 4], [3, 6]], [1, 2, 3])


# the shipped prior and the ranking


def test_the_card_belongs_to_the_shipped_prior() -> None:
    card = json.loads((COMMITS / "prior.card.json").read_text())
    digest = hashlib.sha256((COMMITS / "prior.json").read_bytes()).hexdigest()
    assert card["sha256"] == {"prior.json": digest}
    assert card["in_force"] == "prior"
    assert card["figures"]["prior"]["PR"] >= 1.4 * card["figures"]["lines added"]["PR"]
    assert set(shipped_prior().names) <= set(GapFeatures._fields)


@given(VALUES)
def test_a_score_is_between_0_and_1_with_up_to_three_reasons(gap: GapFeatures) -> None:
    (scored,) = score([gap])
    assert 0 <= scored.value <= 1
    assert len(scored.reasons) <= 3
    assert all(reason and "_" not in reason and "None" not in reason for reason in scored.reasons)


@given(VALUES, st.integers(1, 1000))
def test_more_uncovered_lines_never_score_lower(gap: GapFeatures, more: int) -> None:
    wider = gap._replace(lines_uncovered=gap.lines_uncovered + more)
    assert score([wider])[0].value >= score([gap])[0].value


@given(VALUES, st.integers(0, 100), st.integers(1, 100))
def test_more_faults_that_none_would_notice_score_higher(
    gap: GapFeatures, few: int, more: int
) -> None:
    low, high = score([gap._replace(mutation_sites=n) for n in (few, few + more)])
    assert high.value >= low.value
    assert not gap.lines_uncovered or high.value > low.value


def test_gaps_keep_their_order_and_their_reasons() -> None:
    risky = GapFeatures(12, 40, 60, 14, 9, 2, 5, 3, 80, 800, 2, 0)
    quiet = GapFeatures(3, 0, 3, 0, 0, 0, 1, 0, 400, 3000, 12, 0)
    first, second = score([risky, quiet])
    assert first.value > 10 * second.value
    assert first.reasons == (
        "no test reaches 12 lines of it",
        "the commit added or rewrote 40 lines of it",
        "14 branches in it",
    )
    assert second.reasons == ("no test reaches any of it",)
    (faulty,) = score([quiet._replace(mutation_sites=7)])
    assert faulty.reasons == ("no test reaches any of it, nor would notice 7 small faults there",)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("times_changed", 1, "its file changed once in 90 days"),
        ("times_changed", 40, "its file changed 40 times in 90 days"),
        ("recent_fixes", 60, "60 recent fixes in its file"),
        ("fixes", 1.2, "1 recent fix in its file"),
        ("callers", 20, "called from 20 places in its module"),
        ("lines_removed", 2, "the commit took away 2 lines of it"),
        ("arguments", 9, "9 arguments"),
        ("churn", 300.4, "its file is changing: 300 lines of late"),
        ("function_fixes", 2, "it was fixed 2 times before"),
        ("new_function", 1, "it is new"),
        ("is_fix", 1, "the commit mends something"),
        ("days_since_function", 3, "its last change is not long ago"),
        ("author_recency", 0.2, "its author committed little here of late"),
        ("author_recency", 5, "its author is active"),
        ("lines_added_elsewhere", 1, "the commit is mostly about it"),
        ("file_lines", 20, "in a short file"),
        ("files_changed", 1, "the commit touches only 1 file"),
        ("test_lines_added", 90, "the commit changes tests too"),
        ("covered_share", 0.25, "tests reach 25% of it"),
        ("covered_share", 1, "tests reach all of it"),
        ("days_since_function", -1, None),
        ("branches", 0, None),
        ("function_lines", 2, None),
        ("branches", None, None),
    ],
)
def test_each_reason_in_words(name: str, value: float | None, reason: str | None) -> None:
    model = Trained("prior", Prior((name,), (-9.0,), (1.0,), (1.0,), 0.0), None, {})
    (found,) = risks([{name: value}], model)
    assert found.reasons == ((reason,) if reason else ())


def test_nothing_uncovered_scores_nothing() -> None:
    assert score([GapFeatures(0)])[0] == (0.0, ())


def test_shapes_measure_functions() -> None:
    source = (
        "import x\n"
        "@x.deco\n"
        "def outer(a):\n"
        "    if a and x:\n"
        "        for b in a:\n"
        "            inner()\n"
        "    def inner():\n"
        "        return [c for c in x] or outer(1)\n"
        "    return inner\n"
        "class K:\n"
        "    if x:\n"
        "        async def m(self):\n"
        "            return self.outer(2) if x else (lambda: 0)()\n"
        "outer(3)\n"
    )
    found = shapes(source)
    assert list(found) == ["outer", "outer.inner", "K.m"]
    assert found["outer"] == (2, 9, 8, 5, 2, 1)
    assert found["outer.inner"].branches == 2
    assert found["outer.inner"].callers == 1
    assert [name for name, _ in outermost(source)] == ["outer", "K.m"]
    assert dict(outermost(source))["outer"] == found["outer"]
    assert found["K.m"] == (12, 13, 2, 1, 0, 1)


@pytest.mark.parametrize("source", ["def (", "x = '\x00'", "print 1"])
def test_what_is_not_python_has_no_shapes(source: str) -> None:
    assert shapes(source) == {}
    assert outermost(source) == []
